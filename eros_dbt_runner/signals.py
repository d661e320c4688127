"""Turns SIGINT and SIGTERM into a clean cancel."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


class StopRequest:
    """The signal that asked this process to stop; None as long as none did.

    Once `too_late` is set, a signal is only noted: what is left to do takes no time.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.too_late = False


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Within the block, the first SIGINT or SIGTERM raises KeyboardInterrupt in the main thread.

    dbt answers that by interrupting its queries and giving back what it has. Further SIGTERMs change
    nothing (supervisors send several); a second Ctrl-C ends the process at once.
    """
    request = StopRequest()

    def handle(number: int, _frame: object) -> None:
        if request.number is None:
            request.number = number
            if not request.too_late:
                raise KeyboardInterrupt
        elif number == signal.SIGINT:
            os._exit(128 + number)

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
