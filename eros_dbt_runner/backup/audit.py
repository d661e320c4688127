"""The table `audit_log`: which command has dropped or replaced tables, when and by whom.

No rollback drops it and no restore takes it back.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from uuid import uuid4

from eros_dbt_runner.clock import now
from eros_dbt_runner.commands import user_name
from eros_dbt_runner.declarations.files import Declarations
from eros_dbt_runner.warehouse.base import Warehouse

AUDIT_LOG = "audit_log"


def note(tables: Warehouse, project: Path, command: str, what: str, rows: int) -> None:
    """Add the row of a `command` that is about to begin, to a table that is made where there is none.

    Raises ErosError when it cannot be written: nothing is destroyed without a trace.
    """
    columns = Declarations(project, "duckdb").relations[AUDIT_LOG].columns
    layout = ", ".join(f"{tables.quoted(name)} {kind}" for name, kind in columns.items())
    table = tables.table(AUDIT_LOG)
    tables.rows(f"create table if not exists {table} ({layout})")
    tables.rows(
        f"insert into {table} ({', '.join(map(tables.quoted, columns))})"  # noqa: S608 - names of ours
        " values (?, ?, ?, ?, ?, ?)",
        [uuid4().hex, now(), user_name(), command, what, rows],
    )


def rows_of(rows: Mapping[str, int], names: Iterable[str]) -> int:
    """How many rows these tables had, by what a backup of them counted; one without a count has none."""
    return sum(rows.get(name, 0) for name in set(names))
