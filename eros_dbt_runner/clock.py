"""Times: UTC inside, the agency's wall clock (schedules.yml `timezone`) wherever a date is meant."""

from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from eros_dbt_runner.errors import UsageError

# Days before, after and in other zones are reckoned from what is given.
YEARS = range(1900, 2300)
DAYS_FROM_TODAY = {"yesterday": -1, "today": 0, "tomorrow": 1}


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(timezone.utc)


def parse_moment(text: str, option: str = "--as-of") -> datetime:
    """The moment that an ISO-8601 `text` means, aware, in UTC; no offset means UTC."""
    iso = text.strip()
    if iso[-1:] in ("Z", "z"):
        iso = iso[:-1] + "+00:00"
    try:
        moment = datetime.fromisoformat(iso)
        if moment.year not in YEARS:
            raise ValueError
        if moment.tzinfo is None:
            return moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} must be an ISO-8601 time such as 2025-06-15T12:00:00Z, not {text!r}."
        ) from None


def parse_date(text: str, option: str, zone: ZoneInfo | None = None) -> date:
    """The date that `text` (YYYY-MM-DD) means; with a `zone` also yesterday, today and tomorrow there."""
    if zone and text.strip().lower() in DAYS_FROM_TODAY:
        return local_date(now(), zone) + timedelta(days=DAYS_FROM_TODAY[text.strip().lower()])
    try:
        day = date.fromisoformat(text.strip())
        if day.year not in YEARS:
            raise ValueError
        return day
    except ValueError:
        raise UsageError(f"{option} must be a date such as 2025-06-15, not {text!r}.") from None


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the wall clock of `zone` at `moment`."""
    return moment.astimezone(zone).date()


def local_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The moment, in UTC, at which the wall clock of `zone` shows `at` on `day`."""
    return datetime.combine(day, at, zone).astimezone(timezone.utc)


def iso(moment: datetime) -> str:
    """`moment` as ISO-8601 in UTC with a Z; whole seconds stay short."""
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
