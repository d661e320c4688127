"""What is published, for the rooms that show, export and check it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from difflib import get_close_matches

from eros_dbt_runner.warehouse.base import Row, Warehouse


@dataclass(frozen=True)
class Days:
    """Which published days a command is about.

    One `day`, its whole week, or all from `first` to `last`. With none of these it is `today`; where today
    has no plan, the next day that has one, else the last.
    """

    today: date
    day: date | None = None
    is_week: bool = False
    first: date | None = None
    last: date | None = None

    @property
    def is_asked(self) -> bool:
        """Whether anything was said of days."""
        return bool(self.day or self.is_week or self.first or self.last)

    def __str__(self) -> str:
        """As the end of a sentence: ` on 2025-06-15`; nothing where nothing was asked for."""
        if self.first or self.last:
            return (f" from {self.first}" if self.first else "") + (
                f" up to {self.last}" if self.last else ""
            )
        on = f" on {self.day}" if self.day else ""
        return f" in the week of {self.day or self.today}" if self.is_week else on

    def find(self, tables: Warehouse) -> list[date]:
        """The dates, in order; one that was asked for by name is given whether it is published or not."""
        if self.first or self.last:
            return _published_days(tables, self.first or date(1900, 1, 1), self.last or date(2299, 12, 31))
        day = self.day or _day_to_show(tables, self.today)
        if day and self.is_week:
            monday = day - timedelta(days=day.weekday())
            return _published_days(tables, monday, monday + timedelta(days=6))
        return [day] if day else []

    def note(self, found: Sequence[date]) -> str | None:
        """What to say where it is not the day that somebody may expect."""
        if self.day or self.first or self.last or not found or self.today in found:
            return None
        which = "next" if found[-1] > self.today else "last"
        return f"Nothing is published for today, {self.today}; this is the {which} day that is."


def _published_days(tables: Warehouse, first: date, last: date) -> list[date]:
    rows = tables.rows(
        "select distinct schedule_date as day from schedule_recommendations"
        " where schedule_date between ? and ? order by day",
        [first, last],
    )
    return [row["day"] for row in rows]


def _day_to_show(tables: Warehouse, today: date) -> date | None:
    """Today or the next date that has a published schedule, else the last."""
    [row] = tables.rows(
        "select min(case when schedule_date >= ? then schedule_date end) as next_day,"
        " max(schedule_date) as last_day from schedule_recommendations",
        [today],
    )
    found: date | None = row["next_day"] or row["last_day"]
    return found


def like_page(tables: Warehouse, page: str | None) -> str:
    """A sentence with the page that was probably meant, where nothing knows the one that was typed."""
    rows = tables.rows_if_there(
        "select page_name from creator_day_plan union distinct select page_name from schedule_recommendations"
    )
    known = {row["page_name"] for row in rows}
    near = get_close_matches(page, known, n=1, cutoff=0.7) if page and page not in known else []
    return f" No page is called {page}; did you mean {near[0]}?" if near else ""


def messages(tables: Warehouse, day: date, page: str | None = None) -> list[Row]:
    """The published messages of a date, in sending order, of one page or of all."""
    return tables.rows(
        "select * from schedule_recommendations_messages"
        " where right(schedule_id, 9) = ? and schedule_is_active"
        " and page_name = coalesce(?, page_name)"
        " order by page_name, scheduled_send_time, time_slot_rank",
        [f"_{day:%Y%m%d}", page],
    )


def select_captions(
    tables: Warehouse, page: str, segment: str, budget: int, mid: int, premium: int, bump: int
) -> list[Row]:
    """What the persistent table function select_captions_for_creator gives, with so many of each tier."""
    function = tables.function("select_captions_for_creator")
    return tables.rows(
        f"select * from {function}(?, ?, ?, ?, ?, ?)",  # noqa: S608 - a name of ours
        [page, segment, budget, mid, premium, bump],
    )
