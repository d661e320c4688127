"""One writer at a time on a database.

Two locks guard a DuckDB file. `<database>.lock` is ours: runs queue on it, and a side file says who
holds it. The file itself is locked by DuckDB as long as any program has it open, a person's prompt
included; a run waits for that too. Both are dropped by the operating system when a process dies.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eros_dbt_runner.clock import iso, now
from eros_dbt_runner.errors import BusyError, CannotStartError, ErosError, one_sentence

if TYPE_CHECKING:
    import duckdb

POLL_SECONDS = 0.1
# A stopped query of this process ends soon, or with the process.
OWN_SECONDS = 5.0
_DAMAGED = re.compile(
    r"Corrupt (database|WAL) file|not a valid DuckDB database file|Could not read enough bytes"
    r"|Failure while replaying WAL file|[Dd]eserializ|INTERNAL Error|FATAL Error"
)
_OTHERWISE = re.compile(
    r"Permission denied|Input/output error|No space left|Too many open files|Cannot allocate memory"
    r"|version number|newer version|encrypt|Out of Memory",
    re.IGNORECASE,
)
_DUCKDB_HOLDER = re.compile(r"lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)\)")


class TornError(CannotStartError):
    """The database file is torn: a part of it is not what its checksum says."""

    def __init__(self, database: Path, why: str) -> None:
        """`why` is what DuckDB says."""
        super().__init__(
            f"{database} cannot be opened: it is torn, as by a process that was killed while it wrote"
            f" ({one_sentence(why, 200)});"
            " the next `eros run` puts the last whole copy in its place, `eros restore` a backup."
        )


class Deadline:
    """A point in time, so that several waits share one budget of seconds."""

    def __init__(self, seconds: float) -> None:
        """Start counting."""
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, never below 0."""
        return max(0.0, self._end - time.monotonic())


def is_lock_error(text: str) -> bool:
    """Whether `text` is DuckDB's message that another program has the file open."""
    return "Could not set lock on file" in text


def is_torn_error(text: str) -> bool:
    """Whether `text` is what DuckDB says of a file, or its log, that is not what was written once.

    A file that is whole and cannot be opened here, of a newer DuckDB or encrypted, is none.
    """
    return bool(_DAMAGED.search(text)) and not _OTHERWISE.search(text)


def _is_own_connection(text: str) -> bool:
    """Whether `text` says that this process has the file open itself: a stopped query that still ends."""
    return "different configuration than existing connections" in text


def tell_nobody(_holder: str) -> None:
    """The `on_wait` of a caller that waits for nobody, or that nobody watches."""


def busy(holder: str, waited: float) -> ErosError:
    """The error of a run or a command that waited `waited` seconds in vain."""
    return BusyError(
        f"The database is in use: {holder}; gave up after waiting {waited:g} s"
        " (--wait or EROS_LOCK_WAIT sets how long)."
    )


def duckdb_holder(text: str) -> str:
    """Who has the file open, from DuckDB's lock message."""
    if _is_own_connection(text):
        return "a query of this run is still ending"
    found = _DUCKDB_HOLDER.search(text)
    if not found:
        return "another program has it open"
    return f"{found['program']} (process {found['pid']}) has it open"


@contextmanager
def hold(
    lock_file: Path, schedule: str, deadline: Deadline, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold `lock_file` for a run of `schedule`; `on_wait(holder)` is called once if it must wait.

    Raises ErosError (BUSY) at the deadline.
    """
    from filelock import FileLock, Timeout

    side_file = lock_file.with_name(lock_file.name + ".json")
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            on_wait(_holder(side_file))
            lock.acquire(timeout=deadline.left(), poll_interval=POLL_SECONDS)
    except Timeout:
        raise busy(_holder(side_file), deadline.seconds) from None
    except OSError as error:
        raise CannotStartError(f"{lock_file} cannot be written: {error.strerror}.") from None
    try:
        with suppress(OSError):  # it only says who it is
            _write(side_file, {"pid": os.getpid(), "schedule": schedule, "since": iso(now())})
        yield
    finally:
        with suppress(OSError):
            side_file.unlink(missing_ok=True)
        lock.release()


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _holder(side_file: Path) -> str:
    try:
        who = json.loads(side_file.read_text(encoding="utf-8"))
        return f"another run is in progress, {who['schedule']} (process {who['pid']}) since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another run is in progress"


def connect_when_free(
    database: Path, deadline: Deadline, on_wait: Callable[[str], None], *, read_only: bool
) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection to `database` as soon as no other program is in the way.

    `on_wait(holder)` is called once if it must wait. Raises ErosError: BUSY at the deadline,
    CANNOT_START for a file that DuckDB cannot open, as TornError if it is torn.
    """
    import duckdb

    waiting = False
    own = Deadline(min(OWN_SECONDS, deadline.left()))
    while True:
        try:
            connection = duckdb.connect(str(database), read_only=read_only)
            if not read_only:  # a checkpoint is a step of its own, see writing.py
                connection.execute("set checkpoint_threshold = '1TB'")
                connection.execute("pragma disable_checkpoint_on_shutdown")
            return connection
        except duckdb.Error as error:
            text = str(error)
        if is_torn_error(text):
            raise TornError(database, text)
        if not is_lock_error(text) and not _is_own_connection(text):
            raise CannotStartError(f"{database} cannot be opened: {one_sentence(text)}")
        limit = own if _is_own_connection(text) else deadline
        if limit.left() == 0:
            raise busy(duckdb_holder(text), limit.seconds)
        if not waiting:
            on_wait(duckdb_holder(text))
            waiting = True
        time.sleep(min(POLL_SECONDS, limit.left()))
