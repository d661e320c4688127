"""The exceptions that the commands show to people."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eros_dbt_runner.exit_codes import ExitCode


class ErosError(Exception):
    """A failure told in one sentence, with the exit code that goes with it."""

    code: ExitCode

    def __init__(self, message: str, code: ExitCode | None = None) -> None:
        """Keep the sentence, and the code where the class has none."""
        super().__init__(message)
        if code is not None:
            self.code = code


class UsageError(ErosError):
    """A wrong command line, or a wrong value."""

    code = ExitCode.USAGE


class CannotStartError(ErosError):
    """The project cannot be read, or an input or the database is missing."""

    code = ExitCode.CANNOT_START


class BusyError(ErosError):
    """Another run or program holds the database."""

    code = ExitCode.BUSY


class RunFailedError(ErosError):
    """A run, or what a command set out to do, failed."""

    code = ExitCode.RUN_FAILED


def one_sentence(text: str, limit: int = 600) -> str:
    """`text` on one line: runs of white space become one blank, and the end is cut at `limit`."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


@contextmanager
def writable(path: Path, kind: type[ErosError] = CannotStartError, what: str = "written") -> Iterator[None]:
    """Turn an OSError of the block into an error of `kind`: `path` cannot be written, or what else."""
    try:
        yield
    except OSError as error:
        raise kind(f"{path} cannot be {what}: {error.strerror}.") from None
