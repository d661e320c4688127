"""What comes before anything of ours writes to a database: the lock, and on DuckDB a whole file.

DuckDB writes parts of its file in place. A process that is killed in the middle of such a write (SIGKILL,
out of memory) tears the file, and it opens no more: in a loop that does nothing but write, one kill in
about a thousand does it. So each writer of ours first keeps a copy of the file as it is, `<file>.whole`,
and finds a torn one replaced by that copy. What is lost then is what the killed process wrote.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from eros_dbt_runner.clock import iso
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, TornError, hold, tell_nobody
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse import DuckDbWarehouse, Warehouse, connect

# The write-ahead logs of DuckDB: what is not in the file yet, also while and after a checkpoint.
LOGS = ("wal", "wal.checkpoint", "wal.recovery")


@contextmanager
def hold_database(
    project: Project, target: Target, who: str, deadline: Deadline, on_wait: Callable[[str], None]
) -> Iterator[list[str]]:
    """Hold the lock of `target` for `who`, with a whole file; gives what a person should know of that.

    Raises ErosError: BUSY at the deadline, CANNOT_START for a torn file of which there is no copy.
    """
    with hold(project.lock_file(target), who, deadline, on_wait):
        yield _make_whole(project, target) if target.adapter == "duckdb" else []


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
            if _beside(database, log).exists():
                _beside(database, log).replace(_beside(database, f"torn.{log}"))
        draft.replace(database)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ErosError(f"{database} cannot be written: {error.strerror}.", ExitCode.RUN_FAILED) from None


def _make_whole(project: Project, target: Target) -> list[str]:
    """Keep a copy of the file, or put the last one in its place; gives what a person should know."""
    database, copy = project.database, _beside(project.database, "whole")
    if not database.exists():
        if copy.exists():  # of a database that somebody has taken away
            copy.replace(_beside(database, "lost"))
        return []
    try:
        _keep(database, copy)
        return []
    except TornError:
        if not copy.exists():
            raise
    except OSError as error:
        return [f"no copy of the database could be kept: {error.strerror}"]
    except ErosError:  # another program has it open: the writer itself waits for it
        return []
    moment = datetime.fromtimestamp(copy.stat().st_mtime, timezone.utc).replace(microsecond=0)
    put_in_place(copy, database)
    told = (
        f"a process that was killed had torn the database file: it is again what it was at {iso(moment)},"
        f" and the torn one is {_beside(database, 'torn').name}"
    )
    with connect(project, target, Deadline(0), tell_nobody, read_only=False) as tables:
        tables.raise_alert("WARNING", "database_file", told)
    return [told]


def _keep(database: Path, copy: Path) -> None:
    """Make `copy` a copy of the file, unless it is one.

    Opening reads every block that is written in place, so what could be opened is whole. Raises TornError,
    OSError, and ErosError (BUSY) while another program has the file open.
    """
    is_closed = not any(_beside(database, log).exists() for log in LOGS)
    if is_closed and copy.exists() and _state(copy) == _state(database):
        return
    draft = _beside(database, "draft")
    try:
        with DuckDbWarehouse(database, Deadline(0), tell_nobody, read_only=False) as tables:
            tables.copy_file(draft)
        os.utime(draft, ns=(database.stat().st_atime_ns, database.stat().st_mtime_ns))
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)


def _state(file: Path) -> tuple[int, int]:
    """What changes whenever the file does; a copy keeps its original's."""
    return file.stat().st_mtime_ns, file.stat().st_size


def _beside(database: Path, ending: str) -> Path:
    return database.with_name(f"{database.name}.{ending}")
