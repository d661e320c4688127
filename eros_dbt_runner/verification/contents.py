"""Categories 6 and 7: the holiday calendar, and dates and hours on the agency's clock."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from eros_dbt_runner.clock import iso, local_moment
from eros_dbt_runner.verification.checks import Check, Deployment, Finding

AGENCY_ZONE = "America/Los_Angeles"
Holiday = tuple[int, str]  # year and name: each name once a year


# ---- 6: holidays ----


def _calendar(deployment: Deployment) -> list[dict[str, Any]]:
    return deployment.tables.rows("select * from holiday_calendar order by holiday_date, holiday_name")


def _seed(deployment: Deployment) -> dict[Holiday, dict[str, Any]]:
    """The seed's rows as the table should hold them."""
    return {
        (int(row["holiday_date"][:4]), row["holiday_name"]): {
            "holiday_date": date.fromisoformat(row["holiday_date"]),
            "holiday_type": row["holiday_type"],
            "is_major_holiday": row["is_major_holiday"] == "true",
            "saturation_impact_factor": float(row["saturation_impact_factor"]),
        }
        for row in deployment.declared.holidays
    }


def _the_twenty(deployment: Deployment) -> Finding:
    """Each year has each of its days once and no other."""
    expected = set(_seed(deployment))
    found = [(row["holiday_date"].year, row["holiday_name"]) for row in _calendar(deployment)]
    problems = [f"{name} {year} is missing" for year, name in sorted(expected - set(found))]
    problems += [
        f"{name} {year} should not be there" for year, name in dict.fromkeys(found)
        if (year, name) not in expected
    ]  # fmt: skip
    problems += [f"{name} {year} is there twice" for year, name in sorted(expected)
                 if found.count((year, name)) > 1]  # fmt: skip
    years = sorted({year for year, _ in expected})
    return Finding.of(f"{len(found)} days, {years[0]} to {years[-1]}", problems)


def _holiday_column(column: str, deployment: Deployment) -> Finding:
    """A column of every day that the calendar and the seed share; others are told elsewhere."""
    expected = _seed(deployment)
    compared, problems = 0, []
    for row in _calendar(deployment):
        year, name = row["holiday_date"].year, row["holiday_name"]
        if (year, name) in expected:
            compared += 1
            right = expected[year, name][column]
            if row[column] != right:
                problems.append(f"{name} {year}: {column} is {row[column]} and should be {right}")
    return Finding.of(f"{compared} days agree with the seed", problems if compared else ["there is no day"])


HOLIDAYS = (
    Check("holidays", "the 20 of each year", _the_twenty),
    Check("holidays", "dates", partial(_holiday_column, "holiday_date")),
    Check("holidays", "types", partial(_holiday_column, "holiday_type")),
    Check("holidays", "major days", partial(_holiday_column, "is_major_holiday")),
    Check("holidays", "factors", partial(_holiday_column, "saturation_impact_factor")),
)


# ---- 7: time zone ----


def _zone_is_set(deployment: Deployment) -> Finding:
    """The models and the schedules go by the same clock."""
    schedules = deployment.declared.schedules.values()
    zones = {
        "dbt_project.yml": deployment.declared.variables.get("timezone"),
        **{f"schedule {schedule.name}": schedule.timezone.key for schedule in schedules},
    }
    problems = [f"{where} has {zone} and should have {AGENCY_ZONE}" for where, zone in zones.items()
                if zone != AGENCY_ZONE]  # fmt: skip
    return Finding.of(AGENCY_ZONE, problems)


def _clock_changes(is_wanted: Callable[[timedelta], bool], deployment: Deployment) -> Finding:
    """The engine's dates and hours around the changes of one kind, in the years of the calendar."""
    years = sorted({year for year, _ in _seed(deployment)})
    changes = list(_changes(years[0], years[-1], is_wanted))
    moments = sorted({moment for change in changes for moment in _around(change)})
    problems = [*_wrong_readings(deployment, moments), *_wrong_hours(deployment, changes)]
    return Finding.of(f"{len(moments)} moments around {len(changes)} changes", problems)


def _wrong_readings(deployment: Deployment, moments: list[datetime]) -> Iterator[str]:
    day = deployment.declared.engine_sql("local_date", "moment")
    hour = deployment.declared.engine_sql("local_hour", "moment")
    given = " union all ".join(["select ? as moment"] * len(moments))
    for row in deployment.tables.rows(
        f"select moment, {day} as day, {hour} as hour from ({given}) as moments",  # noqa: S608
        moments,
    ):
        local = row["moment"].astimezone(ZoneInfo(AGENCY_ZONE))
        if (row["day"], row["hour"]) != (local.date(), local.hour):
            found = f"{row['day']} {row['hour']}:00"
            yield f"{iso(row['moment'])} is {found} and should be {local.date()} {local.hour}:00"


def _wrong_hours(deployment: Deployment, changes: list[datetime]) -> Iterator[str]:
    """The moments of every hour at which a message may go out on the days of the changes."""
    zone, variables = ZoneInfo(AGENCY_ZONE), deployment.declared.variables
    days = sorted({change.astimezone(zone).date() for change in changes})
    hours = deployment.declared.engine_sql(
        "integer_series", variables["first_send_hour"], variables["last_send_hour"], "n"
    )
    moment = deployment.declared.engine_sql("utc_from_local", "day", "hour")
    given = " union all ".join(f"select date '{day}' as day, n as hour from {hours}" for day in days)  # noqa: S608
    for row in deployment.tables.rows(f"select day, hour, {moment} as moment from ({given}) as slots"):  # noqa: S608
        right = local_moment(row["day"], time(row["hour"]), zone)
        if row["moment"] != right:
            yield f"{row['hour']}:00 of {row['day']} is {iso(row['moment'])} and should be {iso(right)}"


def _changes(first: int, last: int, is_wanted: Callable[[timedelta], bool]) -> Iterator[datetime]:
    """The moments of the years at which the clock jumps by a wanted step."""
    zone, hour = ZoneInfo(AGENCY_ZONE), timedelta(hours=1)
    day = datetime(first, 1, 1, tzinfo=timezone.utc)
    while day.year <= last:
        step = _offset(day + timedelta(days=1), zone) - _offset(day, zone)
        if step and is_wanted(step):
            moments = (day + n * hour for n in range(1, 25))
            yield next(moment for moment in moments if _offset(moment, zone) != _offset(day, zone))
        day += timedelta(days=1)


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _around(change: datetime) -> Iterator[datetime]:
    """A second and an hour to both sides of a change, and of the midnights of its day."""
    zone = ZoneInfo(AGENCY_ZONE)
    day = change.astimezone(zone).date()
    for middle in (
        change, local_moment(day, time(), zone), local_moment(day + timedelta(days=1), time(), zone)
    ):  # fmt: skip
        yield from (middle + timedelta(seconds=seconds) for seconds in (-3600, -1, 0, 3600))


def _session_zone(deployment: Deployment) -> Finding:
    """Times without a zone are UTC in dbt's sessions."""
    if deployment.target.adapter == "duckdb":
        zone = (deployment.target.raw.get("settings") or {}).get("TimeZone")
        problem = f"profiles.yml sets {zone or 'no TimeZone'} for this target and should set UTC"
        return Finding.of("UTC, set by profiles.yml", [] if zone == "UTC" else [problem])
    noon = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
    [row] = deployment.tables.rows("select cast('2025-06-15 12:00:00' as timestamp) as noon")
    problem = f"the dataset's sessions take noon for {iso(row['noon'])}: their zone should be UTC"
    return Finding.of("UTC", [] if row["noon"] == noon else [problem])


def _published_hours(deployment: Deployment) -> Finding:
    """Each message goes out on the date and at the hour that its slot names."""
    row = deployment.ask("verified_published_hours")
    problem = f"{row['wrong']} of {row['slots']} slots have another local date or hour than their moment"
    return Finding.of(f"{row['slots']} slots", [problem] if row["wrong"] else [])


def _forward(step: timedelta) -> bool:
    return step > timedelta()


def _back(step: timedelta) -> bool:
    return step < timedelta()


TIME_ZONE = (
    Check("time zone", "setting", _zone_is_set),
    Check("time zone", "clocks go forward", partial(_clock_changes, _forward)),
    Check("time zone", "clocks go back", partial(_clock_changes, _back)),
    Check("time zone", "session", _session_zone),
    Check("time zone", "published hours", _published_hours),
)
