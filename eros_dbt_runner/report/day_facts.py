"""What the report of a day tells, read through Warehouse; the views of models/reporting make the figures.

The day's messages and creators must be there. Each other part of the report stands or falls alone:
where its tables are missing or cannot be read, the page says so and shows the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.operations import health
from eros_dbt_runner.report import uplift
from eros_dbt_runner.warehouse.base import Row, Warehouse

HOLIDAYS_AHEAD = timedelta(days=60)
ALERTS_SHOWN = 50
CAPTIONS_SHOWN = 10


@dataclass(frozen=True)
class Part:
    """Rows of one part of the page, or the sentence that says why there are none."""

    rows: Sequence[Row] = ()
    problem: str | None = None


@dataclass(frozen=True)
class DayFacts:
    """A day, of one page or of all: what was planned and published, and how things stand."""

    day: date
    page: str | None
    creators: Sequence[Row]
    messages: Sequence[Row]
    sample: Part = field(default_factory=Part)
    run: Part = field(default_factory=Part)
    week: Part = field(default_factory=Part)
    holidays: Part = field(default_factory=Part)
    uplift: Part = field(default_factory=Part)
    plans: Part = field(default_factory=Part)
    learnt: Part = field(default_factory=Part)
    pages: Part = field(default_factory=Part)
    familiarity: Part = field(default_factory=Part)
    captions: Part = field(default_factory=Part)
    alerts: Part = field(default_factory=Part)
    health: Part = field(default_factory=Part)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known of the day: no plan, no message, no run that tried."""
        return not self.creators and (self.page is not None or not self.run.rows)


def read(tables: Warehouse, day: date, page: str | None) -> DayFacts:
    """The facts of `day`, of one `page` or of all.

    Raises ErosError as Warehouse.rows does where the tables of the schedule are not there yet.
    """
    monday = day - timedelta(days=day.weekday())
    return DayFacts(
        day=day,
        page=page,
        creators=_creators(tables, day, page),
        messages=_messages(tables, day, page),
        sample=_part(lambda: _sample(tables)),
        run=_part(lambda: _run(tables, day)),
        week=_part(lambda: _week(tables, monday, day, page)),
        holidays=_part(lambda: _holidays(tables, monday, day + HOLIDAYS_AHEAD)),
        uplift=_part(lambda: uplift.uplift_of_pages(tables, page)),
        plans=_part(lambda: uplift.plans(tables, page)),
        learnt=_part(lambda: _learnt(tables, page)),
        pages=_part(lambda: _pages(tables, page)),
        familiarity=_part(lambda: _familiarity(tables, page)),
        captions=_part(lambda: _captions(tables)),
        alerts=_part(lambda: _alerts(tables)),
        health=_part(lambda: health(tables)),
    )


def newest_day(tables: Warehouse) -> date | None:
    """The last date that a daily run planned or tried to: one that published nothing counts too."""
    [row] = tables.rows(
        "select max(day) as day from ("
        " select max(schedule_date) as day from schedule_recommendations"
        " union all"
        " select max(execution_date) as day from etl_job_runs"
        " where job_name in ('daily', 'build') and job_status != 'RUNNING'"
        ") as days"
    )
    found: date | None = row["day"]
    return found


def _part(reading: Callable[[], list[Row]]) -> Part:
    try:
        return Part(reading())
    except ErosError as error:
        if error.code == ExitCode.CANNOT_START:
            return Part(
                problem="its tables are not there yet; `eros run performance` and `eros run daily` make them."
            )
        return Part(problem=str(error))


def _sample(tables: Warehouse) -> list[Row]:
    """One row where the database was made from sample data, else none."""
    return tables.rows(
        "select value from project_state where fact = 'sample'"
        " qualify row_number() over (order by noted_at desc) = 1 and value != ''"
    )


def _around(day: date) -> tuple[datetime, datetime]:
    """Moments that enclose the date in every zone: BigQuery then reads these days of a table only."""
    midnight = datetime.combine(day, time(), timezone.utc)
    return midnight - timedelta(days=1), midnight + timedelta(days=2)


def _messages(tables: Warehouse, day: date, page: str | None) -> list[Row]:
    """The published messages in sending order, each with the parts of its score and the belief."""
    return tables.rows(
        "select * from report_messages where scheduled_send_time between ? and ?"
        " and right(schedule_id, 9) = ? and page_name = coalesce(?, page_name)"
        " order by page_name, scheduled_send_time, time_slot_rank",
        [*_around(day), f"_{day:%Y%m%d}", page],
    )


def _creators(tables: Warehouse, day: date, page: str | None) -> list[Row]:
    """One row per creator of the day: its plan, what was published, and what became of it."""
    return tables.rows(
        "select * from report_creators where schedule_date = ? and page_name = coalesce(?, page_name)"
        " order by page_name",
        [day, page],
    )


def _run(tables: Warehouse, day: date) -> list[Row]:
    """The newest daily run that planned the day, or nothing."""
    return tables.rows(
        "select * from etl_job_runs where job_name in ('daily', 'build') and execution_date = ?"
        " order by job_start_time desc, job_id limit 1",
        [day],
    )


def _week(tables: Warehouse, monday: date, day: date, page: str | None) -> list[Row]:
    """The week's days up to `day`: messages planned, published and sent; NULL is what no table has.

    A day of which only is known what was sent is there if it is before `day`, which is not over.
    """
    return tables.rows(
        "select * from report_days where page_name is not distinct from ? and day between ? and ?"
        " and (day < ? or coalesce(planned, published) is not null) order by day",
        [page, monday, day, day],
    )


def _holidays(tables: Warehouse, first: date, last: date) -> list[Row]:
    return tables.rows(
        "select * from holiday_calendar where holiday_date between ? and ? order by holiday_date",
        [first, last],
    )


def _learnt(tables: Warehouse, page: str | None) -> list[Row]:
    """One row: how much the captions of the page, or of all pages together, have told."""
    return tables.rows(
        "select * from report_pages where page_name is not distinct from ?", [page], made_by="performance"
    )


def _pages(tables: Warehouse, page: str | None) -> list[Row]:
    """What is believed of each page, and how much its captions have told."""
    return tables.rows(
        "select * from report_pages where page_name = coalesce(?, page_name) order by page_name",
        [page],
        made_by="performance",
    )


def _familiarity(tables: Warehouse, page: str | None) -> list[Row]:
    """How often captions have been tried on a page, or on all, and how sure that has made us."""
    return tables.rows(
        "select * from report_familiarity where page_name is not distinct from ? order by tries_from",
        [page],
        made_by="performance",
    )


def _captions(tables: Warehouse) -> list[Row]:
    """The captions most surely good on any page, as multiples of a page's level, with 4 in 5 chances."""
    return tables.rows(
        "select * from report_captions where certainty_rank <= ? order by certainty_rank",
        [CAPTIONS_SHOWN],
        made_by="performance",
    )


def _alerts(tables: Warehouse) -> list[Row]:
    """The open alerts, the gravest and newest first; `open_alerts` counts those not shown too."""
    return tables.rows(
        f"""
        select *, count(*) over () as open_alerts
        from automation_alerts
        where not coalesce(acknowledged, false)
        order by
            case alert_level when 'CRITICAL' then 1 when 'WARNING' then 2 else 3 end,
            alert_time desc, alert_id
        limit {ALERTS_SHOWN}
        """,  # noqa: S608 - a number of ours
        made_by="performance",
    )
