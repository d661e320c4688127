"""What is published, for the rooms that show, export and check it."""

from datetime import date

from eros_dbt_runner.warehouse.base import Row, Warehouse


def newest_day(tables: Warehouse) -> date | None:
    """The last date that has a published schedule."""
    [row] = tables.rows("select max(schedule_date) as day from schedule_recommendations")
    found: date | None = row["day"]
    return found


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
