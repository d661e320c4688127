"""Statements on plans and published messages."""

from datetime import date

from eros_dbt_runner.warehouse.base import Row, Warehouse


def shortfalls(tables: Warehouse, day: date, page: str | None = None) -> list[Row]:
    """Who has fewer messages on a planned date than the plan asks, and why."""
    return tables.rows_if_there(
        "select * from schedule_shortfalls where schedule_date = ? and page_name = coalesce(?, page_name)"
        " order by page_name",
        [day, page],
    )


def recommendation(tables: Warehouse, page: str, day: date, slot: int) -> Row | None:
    """One slot of a page's day, with every component of the score."""
    found = tables.rows(
        "select * from schedule_recommendations"
        " where page_name = ? and schedule_date = ? and time_slot_rank = ?",
        [page, day, slot],
    )
    return found[0] if found else None


def newest_plan(tables: Warehouse, page: str) -> Row | None:
    """The newest row of creator_day_plan for a page."""
    found = tables.rows(
        "select * from creator_day_plan where page_name = ? order by schedule_date desc limit 1",
        [page],
    )
    return found[0] if found else None


def failure_reason(tables: Warehouse, page: str) -> str | None:
    """Why the newest check of creators leaves a page out; None if it does not."""
    found = tables.rows_if_there(
        "select failure_reason from creator_checks where page_name = ? and check_status = 'failed'",
        [page],
    )
    return found[0]["failure_reason"] if found else None
