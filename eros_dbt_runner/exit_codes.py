"""The exit codes of `eros`, one meaning each."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What `eros` tells the shell; `.meaning` is the line shown in `eros --help`."""

    meaning: str

    def __new__(cls, value: int, meaning: str = "") -> "ExitCode":
        """Make a member that is an int and carries its meaning."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "done; also when some creators were left out, or none was active"
    RUN_FAILED = 1, "the run failed; the verdict names what and why"
    USAGE = 2, "wrong command line or wrong value"
    BREAKER_OPEN = 3, "too many creators failed their check; nothing was published"
    BUSY = 4, "another run or program holds the database"
    NOTHING_RAN = 5, "dbt ended well, but what the schedule expects did not run"
    CANNOT_START = 6, "the project cannot be read, or an input or the database is missing"
    CHECK_WARNED = 10, "the worst check of `eros health` is a WARN"
    CHECK_FAILED = 11, "a check of `eros health` or `eros verify` failed"
    INTERNAL = 70, "a defect in eros itself"
    INTERRUPTED = 130, "stopped by Ctrl-C; the run is closed as FAILED"
    TERMINATED = 143, "stopped by SIGTERM; the run is closed as FAILED"


# Below the help of the commands that have codes of their own.
EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {int(code):>3}  {code.meaning}" for code in ExitCode)
