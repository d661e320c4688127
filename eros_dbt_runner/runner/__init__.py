"""`eros run`: a schedule, dbt, what it left, the verdict."""
