"""When whoever read our output has gone: `eros runs | head`, or a service that died before its run."""

import os
import sys


def drop() -> None:
    """Let what is still written to stdout go nowhere; the command itself goes on to its exit code."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
