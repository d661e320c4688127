"""Runs the EROS dbt project on its schedules and tells the truth about what came back."""
