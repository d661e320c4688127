"""`eros sample-data`: fictional inputs that look and behave like an agency's."""

from eros_dbt_runner.sample_data.generator import generate

__all__ = ["generate"]
