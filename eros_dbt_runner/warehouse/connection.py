"""The one place that knows which engine a target is on."""

from collections.abc import Callable

from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.duckdb_file import DuckDbWarehouse
from eros_dbt_runner.warehouse.lock import Deadline


def connect(
    project: Project,
    target: Target,
    deadline: Deadline,
    on_wait: Callable[[str], None],
    *,
    read_only: bool = True,
) -> Warehouse:
    """The tables of `target`; use as a context manager, and on DuckDB briefly: it keeps runs waiting.

    Raises ErosError: CANNOT_START when there is no database or it cannot be reached, BUSY when
    another program holds the file until the deadline.
    """
    if target.adapter == "bigquery":
        from eros_dbt_runner.warehouse.bigquery import BigQueryWarehouse

        return BigQueryWarehouse(target.settings())
    return DuckDbWarehouse(project.database, deadline, on_wait, read_only=read_only)
