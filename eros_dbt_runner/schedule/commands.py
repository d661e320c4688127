"""`eros schedule`, `eros explain` and `eros select`."""

from collections.abc import Sequence

import click

from eros_dbt_runner import published
from eros_dbt_runner.clock import parse_date
from eros_dbt_runner.commands import Database, database_options, days_options, json_option, print_json
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.schedule import statements, view
from eros_dbt_runner.texts import page_key
from eros_dbt_runner.warehouse.base import Row

# Nobody wants more captions of a tier for a day.
MOST = 1000


@click.command("schedule")
@click.argument("page", type=page_key, required=False)
@database_options
@days_options
@json_option
def schedule(page: str | None, days: published.Days, database: Database, as_json: bool) -> None:
    """Show the plan of a day or of several: of all pages, or of one PAGE with its captions."""
    with database.read() as (tables, zone):
        found = days.find(tables)
        plans = {day: published.messages(tables, day, page) for day in found}
        left_out = {day: statements.shortfalls(tables, day, page) for day in found}
        hint = "" if any(plans.values()) else published.like_page(tables, page)
    if not any(plans.values()):
        raise UsageError(_nothing(page, days, [row for rows in left_out.values() for row in rows]) + hint)
    if note := days.note(found):
        click.echo(note, err=True)
    if as_json:
        print_json([row for rows in plans.values() for row in rows])
        return
    for day, rows in plans.items():
        if page is None:
            view.show_day(rows, day, zone, left_out[day])
        elif rows or left_out[day]:
            view.show_page_day(rows, page, day, zone, left_out[day])
    view.show_next_command(page, max(day for day, rows in plans.items() if rows))
    database.show_source()


def _nothing(page: str | None, days: published.Days, left_out: Sequence[Row]) -> str:
    """Why there is nothing to show."""
    of_page = f" for page {page!r}" if page is not None else ""
    why = f": {left_out[0]['reason']}" if left_out else "; `eros runs` shows how the daily run went"
    return f"Nothing is scheduled{of_page}{days}{why}."


@click.command()
@click.argument("page", type=page_key)
@click.argument("day", metavar="DATE")
@click.argument("slot", type=click.IntRange(1, 1000))
@database_options
@json_option
def explain(page: str, day: str, slot: int, database: Database, as_json: bool) -> None:
    """Show why a caption was chosen: every component of the score of one SLOT of a day."""
    wanted = parse_date(day, "DATE", database.zone)
    with database.read() as (tables, zone):
        row = statements.recommendation(tables, page, wanted, slot)
        hint = "" if row else published.like_page(tables, page)
    if row is None:
        raise UsageError(
            f"Page {page!r} has no slot {slot} on {wanted}; `eros schedule` shows what there is.{hint}"
        )
    if as_json:
        print_json(row)
    else:
        view.show_explanation(row, zone)
        database.show_source()


@click.command()
@click.argument("page", type=page_key)
@click.option("--segment", type=click.Choice(["budget", "standard", "premium"]))
@click.option("--budget", type=click.IntRange(0, MOST), help="Captions wanted of the budget tier.")
@click.option("--mid", type=click.IntRange(0, MOST), help="Of the mid tier.")
@click.option("--premium", type=click.IntRange(0, MOST), help="Of the premium tier.")
@click.option("--bump", type=click.IntRange(0, MOST), help="Of the free ones.")
@database_options
@json_option
def select(
    page: str,
    segment: str | None,
    budget: int | None,
    mid: int | None,
    premium: int | None,
    bump: int | None,
    database: Database,
    as_json: bool,
) -> None:
    """Select captions for PAGE as the daily run would, and publish nothing.

    What is not given is taken from the page's newest plan.
    """
    asked = {"budget": budget, "mid": mid, "premium": premium, "bump": bump}
    with database.read() as (tables, _zone):
        plan = statements.newest_plan(tables, page)
        if plan is None:
            raise UsageError(
                f"Page {page!r} is not in the newest plan, which has the pages that sent a message lately:"
                f" nothing is ranked for it.{published.like_page(tables, page)}"
            )
        if reason := statements.failure_reason(tables, page):
            raise UsageError(f"Page {page!r} is left out: {reason}.")
        wanted = {tier: plan[f"num_{tier}"] if n is None else n for tier, n in asked.items()}
        segment = segment or plan["behavioral_segment"]
        rows = published.select_captions(tables, page, segment, *wanted.values())
    if as_json:
        print_json(rows)
    else:
        view.show_selection(rows, page, segment, plan["schedule_date"])
        database.show_source()
    for tier, number in wanted.items():
        found = sum(row["price_tier"] == tier for row in rows)
        if found < number:
            click.echo(
                f"{tier}: {found} of {number}, no more captions of the tier are ranked for the page", err=True
            )
