"""A DuckDB file that is whole: a copy before every checkpoint, and that copy in the place of a torn file.

DuckDB writes parts of its file in place when it makes a checkpoint. A process that is killed in the middle
of that (SIGKILL, out of memory) tears the file, and it opens no more. What only appends to the log beside
the file (`<file>.wal`) tears nothing. So runs append (see macros/hooks/write_log_only.sql), and a checkpoint
is a step of its own, under the lock: before it a copy of everything is kept, `<file>.whole`. A file that is
damaged, in whatever way, is found here by the next writer and replaced by that copy.

The copy has a log of its own, `<file>.whole.wal`: to put that into it would take longer than to copy it.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from eros_dbt_runner.clock import now
from eros_dbt_runner.errors import ErosError, RunFailedError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project
from eros_dbt_runner.warehouse.duckdb_file import LOGS, DuckDbWarehouse
from eros_dbt_runner.warehouse.lock import Deadline, TornError, tell_nobody

if TYPE_CHECKING:
    import duckdb

CHECKPOINT_EVERY = timedelta(days=1)
NO_COPY = "no copy of the database could be kept"


def mend(database: Path, limit: int) -> tuple[datetime | None, list[str]]:
    """Put the last copy in the place of a damaged file; gives the moment of that copy, and what went wrong.

    A file that is whole stays, but for a checkpoint that is due, see is_checkpoint_due. Raises TornError for
    a torn file of which there is no whole copy.
    """
    copy = beside(database, "whole")
    if not database.exists():
        if copy.exists():  # of a database that somebody has taken away
            _delete(beside(database, "lost"))
            copy.replace(beside(database, "lost"))
            _move_logs(copy, beside(database, "lost"))
        _move_logs(database, beside(database, "left"))  # a new file would take it for its own
        return None, []
    try:
        is_changed = _read_through(database, copy)
    except TornError:
        if not copy.exists():
            raise
    except ErosError:  # another program has it open, or it cannot be opened here: the writer itself says so
        return None, []
    else:
        is_due = is_changed or is_checkpoint_due(database, limit)
        return None, checkpoint(database) if is_due else []
    moment = _moment(copy)
    try:
        put_in_place(copy, database)
    except TornError:
        copy.replace(beside(database, "whole.torn"))  # now `eros restore` may put a backup there
        _delete(copy, LOGS)
        raise TornError(database, f"and so was its copy, now {database.name}.whole.torn") from None
    return moment, []


def is_lost(database: Path) -> bool:
    """Whether there is no file any more, or a torn one of which there is no copy."""
    if not database.exists():
        return True
    try:
        DuckDbWarehouse(database, Deadline(0), tell_nobody).close()
    except TornError:
        return not beside(database, "whole").exists()
    except ErosError:
        return False
    return False


def put_in_place(copy: Path, database: Path) -> None:
    """Make `copy` and its log the database; what stood there before, and its log, are kept beside it.

    Raises ErosError (RUN_FAILED) when it cannot be written, and TornError for a copy that is damaged itself.
    """
    draft = beside(database, "draft")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        _delete(draft)  # of a process that was killed: its log would be taken for that of this draft
        for ending in ("", *LOGS):
            if log_of(copy, ending).exists():
                shutil.copyfile(log_of(copy, ending), log_of(draft, ending))
        with DuckDbWarehouse(draft, Deadline(0), tell_nobody, read_only=False) as tables:
            tables.rows("checkpoint")  # one file takes the place of one file
        _delete(beside(database, "torn"))
        if database.exists():  # not renamed: without a database a run would begin an empty one
            shutil.copyfile(database, beside(database, "torn"))
        _move_logs(database, beside(database, "torn"))  # they would be applied to the copy
        draft.replace(database)
    except OSError as error:
        raise RunFailedError(f"{database} cannot be written: {error.strerror}.") from None
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
    if not is_checkpoint_due(database, project.log_limit_bytes):
        yield
        return
    with DuckDbWarehouse(database, Deadline(0), tell_nobody, connection=connection) as tables:
        try:
            notes += _checkpoint(database, tables)
        except ErosError as error:
            notes.append(f"{NO_COPY}: {error}")
        yield


def _checkpoint(database: Path, tables: DuckDbWarehouse) -> list[str]:
    copy, draft = beside(database, "whole"), beside(database, "draft")
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


def is_checkpoint_due(database: Path, limit: int) -> bool:
    """Whether the log has grown past `limit` bytes, or is not empty and the last checkpoint is a day ago."""
    log, copy = log_of(database, LOGS[0]), beside(database, "whole")
    if not database.exists() or not log.exists() or not log.stat().st_size:
        return False
    is_old = not copy.exists() or now() - _moment(copy) > CHECKPOINT_EVERY
    return is_old or log.stat().st_size > limit


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


def _moment(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc).replace(microsecond=0)


def _move_logs(database: Path, to: Path) -> None:
    for log in LOGS:
        if log_of(database, log).exists():
            log_of(database, log).replace(log_of(to, log))


def _delete(file: Path, endings: Sequence[str] = ("", *LOGS)) -> None:
    for ending in endings:
        log_of(file, ending).unlink(missing_ok=True)


def log_of(database: Path, ending: str) -> Path:
    """A log of a file, by its ending, one of LOGS."""
    return database.with_name(database.name + ending)


def beside(database: Path, ending: str) -> Path:
    """What is kept beside a file: whole, torn, lost, left or draft."""
    return database.with_name(f"{database.name}.{ending}")
