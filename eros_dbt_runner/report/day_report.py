"""A day as one HTML page: no script, no font, no image, no network; it opens from a file or a mail.

The page is `templates/day.html.j2`; here is what a template does badly: local times, places on the
time line, numbers as people read them. A caption is a stranger's text: everything is escaped, and the
page's own policy forbids scripts and requests even if something were not.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from eros_dbt_runner.report.day_facts import DayFacts
from eros_dbt_runner.report.reasons import times, why
from eros_dbt_runner.report.uplift import followed, sentence
from eros_dbt_runner.texts import counted

Row = Mapping[str, Any]
FIRST_HOUR, LAST_HOUR = 8, 23  # the time line shows them at least
TIERS = ("budget", "mid", "premium", "bump")
NOTHING = "–"


def render(facts: DayFacts, zone: ZoneInfo, made_at: datetime) -> bytes:
    """The page in UTF-8, times on the wall clock of `zone`."""
    messages = [_placed(row, zone) for row in facts.messages]
    hours = range(
        min([FIRST_HOUR, *(row["hour"] for row in messages)]),
        max([LAST_HOUR, *(row["hour"] for row in messages)]) + 1,
    )
    by_page = {name: list(rows) for name, rows in groupby(messages, lambda row: row["page_name"])}
    page = _environment(zone).get_template("day.html.j2").render(
        facts=facts,
        zone=zone.key,
        made_at=made_at,
        today=made_at.astimezone(zone).date(),
        messages=messages,
        by_page=by_page,
        hours=hours,
        run=next(iter(facts.run.rows), None),
        holiday=next((row for row in facts.holidays.rows if row["holiday_date"] == facts.day), None),
        holidays={row["holiday_date"]: row for row in facts.holidays.rows},
        proof=sentence(facts.uplift.rows, facts.page),
        compared=[_compared(row) for row in facts.uplift.rows if row["status"] == "known"],
        left_out=[row for row in facts.creators if row["state"] == "left_out"],
        not_published=[row for row in facts.creators if row["state"] == "not_published"],
        failing=[check for check in facts.health.rows if check["check_status"] != "PASS"],
        passing=[check for check in facts.health.rows if check["check_status"] == "PASS"],
    )  # fmt: skip
    return page.encode()


def _environment(zone: ZoneInfo) -> Environment:
    environment = Environment(
        loader=PackageLoader("eros_dbt_runner.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        clock=lambda moment: f"{moment.astimezone(zone):%H:%M}",
        moment=lambda moment: NOTHING if moment is None else _moment(moment, zone),
        day=_day,
        short_day=lambda day: f"{day:%a} {day.day} {day:%b}",
        number=_number,
        factor=lambda value: NOTHING if value is None else f"×\u00a0{value:.2f}",
        percent=lambda value: NOTHING if value is None else f"{value:.0%}",
        times=lambda value: NOTHING if value is None else times(value),
        words=lambda name: (name or "").replace("_", " "),
        figure=_figure,
        count=counted,
        why=why,
        followed=followed,
        tier=lambda name: name if name in TIERS else "other",
        percent_of=lambda value, whole: round(100 * float(value or 0) / float(whole), 2) if whole else 0,
        holiday_volume=_holiday_volume,
        on_log_scale=_on_log_scale,
    )
    return environment


def _placed(row: Row, zone: ZoneInfo) -> dict[str, Any]:
    """A message with its local hour."""
    local = row["scheduled_send_time"].astimezone(zone)
    return {**row, "local": local, "hour": local.hour, "since_midnight": local.hour + local.minute / 60}


def _compared(row: Row) -> Row:
    """A row of policy_uplift as the picture of an interval takes it."""
    return {
        **row, "factor": row["uplift"], "factor_low": row["uplift_low"], "factor_high": row["uplift_high"]
    }  # fmt: skip


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B} {day.year}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    local = moment.astimezone(zone)
    return f"{local.day} {local:%b} {local.year}, {local:%H:%M}"


def _number(value: float | None, digits: int = 0) -> str:
    """With thousands apart and a real minus; what is not known is a dash, what rounds to 0 is 0."""
    if value is None:
        return NOTHING
    text = f"{round(value, digits) + 0:,.{digits}f}"
    return text.replace("-", "−")


def _on_log_scale(value: float, low: float, high: float) -> float:
    """Where a multiple stands between `low` and `high`, in per cent; 1 × is always in the picture."""
    first, last = math.log(min(low, 1)), math.log(max(high, 1))
    return round(100 * (math.log(value) - first) / (last - first or 1), 1)


def _figure(check: Row) -> str:
    """What a health check measured, with its unit."""
    figure, unit = check["figure"], check["unit"]
    if figure is None:
        return "nothing to measure"
    if unit == "share":
        return f"{figure:.1%}"
    if unit == "hours":
        return f"{_number(figure, 1)} hours"
    return counted(round(figure), unit.removesuffix("s"))


def _holiday_volume(holiday: Row) -> str:
    factor = holiday["saturation_impact_factor"]
    return f"volume ×\u00a0{factor:.2f}" if factor < 1 else "usual volume"
