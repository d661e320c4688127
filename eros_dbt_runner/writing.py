"""What comes before anything of ours writes to a database: the lock, and on DuckDB a whole file.

DuckDB writes parts of its file in place when it makes a checkpoint. A process that is killed in the middle
of that (SIGKILL, out of memory) tears the file, and it opens no more. What only appends to the log beside
the file (`<file>.wal`) tears nothing. So runs append (see macros/hooks/write_log_only.sql), and a checkpoint
is a step of its own, under the lock: before it a copy of everything is kept, `<file>.whole`. A file that is
damaged, in whatever way, is found here by the next writer and replaced by that copy.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from eros_dbt_runner import run_folders
from eros_dbt_runner.clock import iso, now, parse_moment
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, TornError, hold, tell_nobody
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse import LOGS, DuckDbWarehouse, Warehouse, connect

CHECKPOINT_EVERY = timedelta(days=1)


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
        if limit and _is_checkpoint_due(project.database, limit):
            notes += checkpoint(project.database)


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


def is_lost(database: Path) -> bool:
    """Whether there is no file any more, or a torn one of which there is no copy."""
    if not database.exists():
        return True
    try:
        DuckDbWarehouse(database, Deadline(0), tell_nobody).close()
    except TornError:
        return not _beside(database, "whole").exists()
    except ErosError:
        return False
    return False


def put_in_place(copy: Path, database: Path) -> None:
    """Make `copy` the database; what stood there before, and its write-ahead log, are kept beside it.

    Raises ErosError (RUN_FAILED) when it cannot be written.
    """
    draft = _beside(database, "draft")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, draft)
        if database.exists():  # not renamed: without a database a run would begin an empty one
            shutil.copyfile(database, _beside(database, "torn"))
        for log in LOGS:  # it would be applied to the copy
            if _log(database, log).exists():
                _log(database, log).replace(_beside(database, f"torn{log}"))
        draft.replace(database)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ErosError(f"{database} cannot be written: {error.strerror}.", ExitCode.RUN_FAILED) from None


def checkpoint(database: Path) -> list[str]:
    """Keep a copy of everything, then let DuckDB put its log into the file; gives what went wrong.

    Whoever calls holds the lock. While another program has the file open, nothing happens.
    """
    copy, draft = _beside(database, "whole"), _beside(database, "draft")
    try:
        try:
            with DuckDbWarehouse(database, Deadline(0), tell_nobody, read_only=False) as tables:
                tables.copy_file(draft)
                draft.replace(copy)
                tables.rows("checkpoint")
            # From now on the copy is as old as the file, unless somebody else changes that.
            os.utime(copy, ns=(database.stat().st_atime_ns, database.stat().st_mtime_ns))
        finally:
            for ending in ("", *LOGS):
                _beside(database, f"draft{ending}").unlink(missing_ok=True)
    except OSError as error:
        return [f"no copy of the database could be kept: {error.strerror}"]
    except ErosError as error:
        return [] if error.code is ExitCode.BUSY else [f"no copy of the database could be kept: {error}"]
    return []


def keep_published(project: Project) -> list[str]:
    """Put the log into the file, and with that into the copy, if a day is published that it has not."""
    copy = _beside(project.database, "whole")
    try:
        is_new = not copy.exists() or bool(_published(project.database) - _published(copy))
    except ErosError:  # another program has it open, or the copy is no database: the next checkpoint tells
        return []
    return checkpoint(project.database) if is_new else []


def _published(database: Path) -> set[object]:
    """The days that have a schedule in a file."""
    with DuckDbWarehouse(database, Deadline(0), tell_nobody) as tables:
        if ("schedule_recommendations", "table") not in tables.objects():
            return set()
        return {
            row["day"]
            for row in tables.rows("select distinct schedule_date as day from schedule_recommendations")
        }


def _is_checkpoint_due(database: Path, limit: int) -> bool:
    """Whether the log has grown past `limit` bytes, or is not empty and the last checkpoint is a day ago."""
    log, copy = _log(database, LOGS[0]), _beside(database, "whole")
    if not database.exists() or not log.exists() or not log.stat().st_size:
        return False
    is_old = not copy.exists() or now() - _moment(copy) > CHECKPOINT_EVERY
    return is_old or log.stat().st_size > limit


def _make_whole(project: Project, target: Target, limit: int) -> list[str]:
    """Put the last copy in the place of a damaged file; gives what a person should know."""
    database, copy = project.database, _beside(project.database, "whole")
    if not database.exists():
        if copy.exists():  # of a database that somebody has taken away
            copy.replace(_beside(database, "lost"))
        for log in LOGS:  # a new file would take it for its own
            if _log(database, log).exists():
                _log(database, log).replace(_beside(database, f"lost{log}"))
        return []
    try:
        is_changed = _read_through(database, copy)
    except TornError:
        if not copy.exists():
            raise
    except ErosError:  # another program has it open, or it cannot be opened here: the writer itself says so
        return []
    else:
        if is_changed or _is_checkpoint_due(database, limit):
            return checkpoint(database)
        return []
    moment = _moment(copy)
    put_in_place(copy, database)
    with connect(project, target, Deadline(0), tell_nobody, read_only=False) as tables:
        told = (
            "the database file was torn, as by a process that was killed while it wrote: it is again what it"
            f" was at {iso(moment)}, and the torn one is {_beside(database, 'torn').name};"
            f" {_lost_runs(project, target, tables, moment)} (docs/operations.md, Torn file)"
        )
        tables.raise_alert("WARNING", "database_file", told)
    return [told]


def _read_through(database: Path, copy: Path) -> bool:
    """Whether somebody changed the file itself, not only its log, since the copy was made.

    Opening reads the head of the file and its log. What else may be damaged is read only if the file is
    not as the last checkpoint left it. Raises TornError, and ErosError while it cannot be opened.
    """
    is_changed = not copy.exists() or copy.stat().st_mtime_ns != database.stat().st_mtime_ns
    with DuckDbWarehouse(database, Deadline(0), tell_nobody, read_only=False) as tables:
        if is_changed and copy.exists():
            tables.read_all()
    return is_changed


def _lost_runs(project: Project, target: Target, tables: Warehouse, moment: datetime) -> str:
    """What was written since `moment` and is gone: the runs that ended well, by their records."""
    known = {row["job_id"] for row in tables.job_runs(10**6)}
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


def _moment(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc).replace(microsecond=0)


def _log(database: Path, ending: str) -> Path:
    return database.with_name(database.name + ending)


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(f"{database.name}.{ending}")
