"""Files that are written whole or not at all, and what becomes of output that nobody reads any more."""

import os
import sys
from contextlib import suppress
from pathlib import Path

from eros_dbt_runner.errors import UsageError


def drop() -> None:
    """Let what is still written to stdout go nowhere; the command itself goes on to its exit code.

    Whoever read it has gone: `eros runs | head`, or a service that died before its run.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def save(content: bytes, output: Path, *, force: bool) -> None:
    """Write `content` to `output`, whole or not at all.

    Raises ErosError (USAGE) for a file that is there already, unless `force`, and for a folder that
    cannot be written.
    """
    draft = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        if output.exists() and not output.is_file():
            raise UsageError(f"{output} is no file that can be replaced.")
        if output.exists() and not force:
            raise UsageError(f"{output} is there already; --force replaces it.")
        draft.write_bytes(content)
        draft.replace(output)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise UsageError(f"{output} cannot be written: {error.strerror}.") from None
