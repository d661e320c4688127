"""What comes before anything of ours writes to a database: the lock, and on DuckDB a whole file.

DuckDB writes parts of its file in place when it makes a checkpoint. A process that is killed in the middle
of that (SIGKILL, out of memory) tears the file, and it opens no more. What only appends to the log beside
the file (`<file>.wal`) tears nothing. So runs append (see macros/hooks/write_log_only.sql), and a checkpoint
is a step of its own, under the lock: before it a copy of everything is kept, `<file>.whole`. A file that is
damaged, in whatever way, is found here by the next writer and replaced by that copy.

The copy has a log of its own, `<file>.whole.wal`: to put that into it would take longer than to copy it.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from eros_dbt_runner import run_folders
from eros_dbt_runner.clock import iso, now, parse_moment
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, TornError, hold, tell_nobody
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse import LOGS, DuckDbWarehouse, Warehouse, connect

if TYPE_CHECKING:
    import duckdb

CHECKPOINT_EVERY = timedelta(days=1)
NO_COPY = "no copy of the database could be kept"


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
    """Make `copy` and its log the database; what stood there before, and its log, are kept beside it.

    Raises ErosError (RUN_FAILED) when it cannot be written, and TornError for a copy that is damaged itself.
    """
    draft = _beside(database, "draft")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        _delete(draft)  # of a process that was killed: its log would be taken for that of this draft
        for ending in ("", *LOGS):
            if _log(copy, ending).exists():
                shutil.copyfile(_log(copy, ending), _log(draft, ending))
        with DuckDbWarehouse(draft, Deadline(0), tell_nobody, read_only=False) as tables:
            tables.rows("checkpoint")  # one file takes the place of one file
        _delete(_beside(database, "torn"))
        if database.exists():  # not renamed: without a database a run would begin an empty one
            shutil.copyfile(database, _beside(database, "torn"))
        _move_logs(database, _beside(database, "torn"))  # they would be applied to the copy
        draft.replace(database)
    except OSError as error:
        raise ErosError(f"{database} cannot be written: {error.strerror}.", ExitCode.RUN_FAILED) from None
    finally:
        with suppress(OSError):
            _delete(draft)


def checkpoint(database: Path) -> list[str]:
    """Keep a copy of everything, then let DuckDB put its log into the file; gives what went wrong.

    Whoever calls holds the lock. While another program has the file open, nothing happens.
    """
    try:
        with DuckDbWarehouse(database, Deadline(0), tell_nobody, read_only=False) as tables:
            return _checkpoint(database, tables)
    except ErosError as error:
        return [] if error.code is ExitCode.BUSY else [f"{NO_COPY}: {error}"]


@contextmanager
def last_checkpoint(
    project: Project, notes: list[str], connection: "duckdb.DuckDBPyConnection"
) -> Iterator[None]:
    """Make the checkpoint that is due, if one is, over the `connection` of a run, which ends with the block.

    To open the file once more would be to read the whole log once more. `notes` hears what went wrong.
    """
    database = project.database
    if not _is_checkpoint_due(database, project.log_limit_bytes):
        yield
        return
    with DuckDbWarehouse(database, Deadline(0), tell_nobody, connection=connection) as tables:
        try:
            notes += _checkpoint(database, tables)
        except ErosError as error:
            notes.append(f"{NO_COPY}: {error}")
        yield


def _checkpoint(database: Path, tables: DuckDbWarehouse) -> list[str]:
    copy, draft = _beside(database, "whole"), _beside(database, "draft")
    try:
        _delete(draft)
        tables.copy_with_log(draft)
        _delete(copy, LOGS)  # else it would be the log of the new copy; the database is whole meanwhile
        draft.replace(copy)
        _move_logs(draft, copy)
        tables.rows("checkpoint")
        # From now on the copy is as old as the file, unless somebody else changes that.
        os.utime(copy, ns=(database.stat().st_atime_ns, database.stat().st_mtime_ns))
    except OSError as error:
        return [f"{NO_COPY}: {error.strerror}"]
    finally:
        with suppress(OSError):
            _delete(draft)
    return []


def keep_published(project: Project) -> list[str]:
    """Put the log into the file, and with that into the copy, if a day is published that it has not."""
    copy, log = _beside(project.database, "whole"), _log(project.database, LOGS[0])
    if copy.exists() and not (log.exists() and log.stat().st_size):
        return []
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
            _delete(_beside(database, "lost"))
            copy.replace(_beside(database, "lost"))
            _move_logs(copy, _beside(database, "lost"))
        _move_logs(database, _beside(database, "left"))  # a new file would take it for its own
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
    try:
        put_in_place(copy, database)
    except TornError:
        copy.replace(_beside(database, "whole.torn"))  # now `eros restore` may put a backup there
        _delete(copy, LOGS)
        raise TornError(database, f"and so was its copy, now {database.name}.whole.torn") from None
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


def _move_logs(database: Path, to: Path) -> None:
    for log in LOGS:
        if _log(database, log).exists():
            _log(database, log).replace(_log(to, log))


def _delete(file: Path, endings: Sequence[str] = ("", *LOGS)) -> None:
    for ending in endings:
        _log(file, ending).unlink(missing_ok=True)


def _log(database: Path, ending: str) -> Path:
    return database.with_name(database.name + ending)


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(f"{database.name}.{ending}")
