"""schedules.yml: when each schedule runs, what it builds and what it must produce."""

import re
from dataclasses import dataclass, fields
from datetime import datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from eros_dbt_runner.errors import CannotStartError, ErosError, UsageError
from eros_dbt_runner.project import read_yaml

OPTIONS = ("since", "execution_date")
# A name stands in paths, in command lines and in the files for other schedulers.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
DAY = 24 * 60 * 60
LIMITS = {"timeout_seconds": (1, 7 * DAY), "max_retries": (0, 10), "retry_delay_seconds": (0, DAY)}


@dataclass(frozen=True)
class Schedule:
    """One schedule. Times are seconds; `cron` is on the wall clock of `timezone`."""

    name: str
    description: str
    cron: str
    timezone: ZoneInfo
    selector: str
    expects: tuple[str, ...]
    timeout_seconds: int
    max_retries: int
    retry_delay_seconds: int
    accepts: tuple[str, ...] = ()

    def time_of_day(self) -> time:
        """The local time of a schedule that runs once a day."""
        minute, hour = self.cron.split()[:2]
        return time(int(hour), int(minute))


def read_schedules(path: Path) -> dict[str, Schedule]:
    """The schedules of a schedules.yml, by name.

    Raises ErosError (CANNOT_START) that names the schedule and the field that is wrong.
    """
    content = read_yaml(path)
    unknown = set(content) - {"timezone", "schedules"}
    if unknown or not isinstance(content.get("schedules"), dict) or not content["schedules"]:
        raise _error(path, "it must hold `timezone` and at least one schedule under `schedules`")
    zone = _zone(path, content.get("timezone"))
    return {
        str(name): _schedule(path, str(name), entry, zone) for name, entry in content["schedules"].items()
    }


def find_schedule(path: Path, name: str) -> Schedule:
    """The schedule called `name`.

    Raises ErosError (USAGE) when there is none.
    """
    schedules = read_schedules(path)
    if name not in schedules:
        raise UsageError(f"There is no schedule {name!r}; known: {', '.join(schedules)}.")
    return schedules[name]


def zone_of(directory: Path) -> ZoneInfo:
    """The agency's zone, as schedules.yml in the project's folder has it; raises as read_schedules does."""
    return next(iter(read_schedules(directory / "schedules.yml").values())).timezone


def _error(path: Path, problem: str) -> ErosError:
    return CannotStartError(f"{path.name} is wrong: {problem}.")


def _zone(path: Path, name: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise _error(path, f"`timezone` {name!r} is not the name of a time zone") from None


def _schedule(path: Path, name: str, entry: object, zone: ZoneInfo) -> Schedule:
    """One checked entry; every message names the schedule and the field."""

    def wrong(field: str, need: str) -> ErosError:
        return _error(path, f"`{field}` of schedule {name!r} must be {need}")

    if not NAME.fullmatch(name):
        raise _error(path, f"the name {name!r} of a schedule must be small letters, digits, - and _")
    if not isinstance(entry, dict):
        raise _error(path, f"schedule {name!r} must hold a mapping")
    known = {field.name for field in fields(Schedule)} - {"name", "timezone"}
    for field in sorted(set(map(str, entry)) - known):
        raise _error(path, f"schedule {name!r} has an unknown field `{field}`")
    for field in ("description", "cron", "selector"):
        if not isinstance(entry.get(field), str) or not entry[field].strip():
            raise wrong(field, "a text")
        if not entry[field].isprintable():
            raise wrong(field, "a text of one line")
    for field, (least, most) in LIMITS.items():
        value = entry.get(field)
        if type(value) is not int or not least <= value <= most:
            raise wrong(field, f"a whole number from {least} to {most}")
    expects, accepts = entry.get("expects"), entry.get("accepts", [])
    if not _texts(expects) or not expects:
        raise wrong("expects", "a list of at least one model")
    if not _texts(accepts) or set(accepts) - set(OPTIONS):
        raise wrong("accepts", f"a list out of {', '.join(OPTIONS)}")
    if not _is_cron(entry["cron"]):
        raise wrong("cron", f"a cron expression of five fields, not {entry['cron']!r}")
    once_a_day = all(part.isdigit() for part in entry["cron"].split()[:2])
    if "execution_date" in accepts and not once_a_day:
        raise wrong("cron", "a fixed time of the day, because it accepts execution_date")
    values = {**entry, "expects": tuple(expects), "accepts": tuple(accepts)}
    return Schedule(name=name, timezone=zone, **values)


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _is_cron(expression: str) -> bool:
    try:
        CronSim(expression, datetime(2025, 1, 1))  # noqa: DTZ001 - only parsed, never iterated
    except CronSimError:
        return False
    return len(expression.split()) == 5
