"""What comes before anything of ours writes to a database: the lock, and on DuckDB a whole file.

Why a file may be torn, and how it becomes whole again, is said in warehouse/whole_file.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path

from eros_dbt_runner import operations, run_folders
from eros_dbt_runner.clock import iso, parse_moment
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse import whole_file
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.duckdb_file import LOGS, DuckDbWarehouse
from eros_dbt_runner.warehouse.lock import Deadline, hold, tell_nobody


@contextmanager
def hold_database(
    project: Project, target: Target, who: str, deadline: Deadline, on_wait: Callable[[str], None]
) -> Iterator[list[str]]:
    """Hold the lock of `target` for `who`, with a whole file; gives what a person should know of that.

    Afterwards the log goes into the file if that is due. Raises ErosError: BUSY at the deadline,
    CANNOT_START for a torn file of which there is no copy.
    """
    limit = project.log_limit_bytes if target.adapter == "duckdb" else 0
    with hold(project.lock_file(target), who, deadline, on_wait):
        notes = _make_whole(project, target, limit) if limit else []
        yield notes
        if limit and whole_file.is_checkpoint_due(project.database, limit):
            notes += whole_file.checkpoint(project.database)


@contextmanager
def connect_between_runs(
    project: Project, target: Target, who: str, deadline: Deadline, on_wait: Callable[[str], None]
) -> Iterator[Warehouse]:
    """As `connect`, for a command `who` that writes: no run is in progress meanwhile."""
    with (
        hold_database(project, target, who, deadline, on_wait),
        connect(project, target, deadline, on_wait, read_only=False) as tables,
    ):
        yield tables


def keep_published(project: Project) -> list[str]:
    """Put the log into the file, and with that into the copy, if a day is published that it has not."""
    copy = whole_file.beside(project.database, "whole")
    log = whole_file.log_of(project.database, LOGS[0])
    if copy.exists() and not (log.exists() and log.stat().st_size):
        return []
    try:
        is_new = not copy.exists() or bool(_published(project.database) - _published(copy))
    except ErosError:  # another program has it open, or the copy is no database: the next checkpoint tells
        return []
    return whole_file.checkpoint(project.database) if is_new else []


def _published(database: Path) -> set[object]:
    """The days that have a schedule in a file."""
    with DuckDbWarehouse(database, Deadline(0), tell_nobody) as tables:
        if ("schedule_recommendations", "table") not in tables.objects():
            return set()
        rows = tables.rows("select distinct schedule_date as day from schedule_recommendations")
        return {row["day"] for row in rows}


def _make_whole(project: Project, target: Target, limit: int) -> list[str]:
    """Mend the file, and raise an alert where that lost something; gives what a person should know."""
    database = project.database
    moment, notes = whole_file.mend(database, limit)
    if moment is None:
        return notes
    with connect(project, target, Deadline(0), tell_nobody, read_only=False) as tables:
        told = (
            "the database file was torn, as by a process that was killed while it wrote: it is again what it"
            f" was at {iso(moment)}, and the torn one is {whole_file.beside(database, 'torn').name};"
            f" {_lost_runs(project, target, tables, moment)} (docs/operations.md, Torn file)"
        )
        operations.raise_alert(tables, "WARNING", "database_file", told)
    return [told]


def _lost_runs(project: Project, target: Target, tables: Warehouse, moment: datetime) -> str:
    """What was written since `moment` and is gone: the runs that ended well, by their records."""
    known = {row["job_id"] for row in operations.job_runs(tables, 10**6)}
    here, lost = project.identity(target), []
    for folder in run_folders.folders(project.runs_dir):
        facts = folder.facts()
        with suppress(KeyError, TypeError, ValueError, AttributeError, ErosError):
            is_later = parse_moment(facts["ended_at"]) >= moment - timedelta(seconds=1)
            if is_later and facts["schedule"] and folder.belongs_to(here) and folder.run_id() not in known:
                lost.append(f"{facts['schedule']} {folder.run_id()[:8]}")
    if not lost:
        return "no run is missing, only what others wrote since"
    return f"lost is what was written since: {', '.join(sorted(lost))}; the next runs do it again"
