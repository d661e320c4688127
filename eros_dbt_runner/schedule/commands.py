"""`eros schedule`, `eros explain` and `eros select`."""

import click

from eros_dbt_runner import published
from eros_dbt_runner.clock import parse_date
from eros_dbt_runner.commands import Database, database_options, json_option, print_json
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.schedule import statements, view
from eros_dbt_runner.texts import page_key

# Nobody wants more captions of a tier for a day.
MOST = 1000


@click.command("schedule")
@click.argument("page", type=page_key, required=False)
@click.option("--date", "day", metavar="DATE", help="Default: the newest day that was published.")
@database_options
@json_option
def schedule(page: str | None, day: str | None, database: Database, as_json: bool) -> None:
    """Show a day's plan: of all pages, or of one PAGE with its captions."""
    wanted = parse_date(day, "--date") if day else None
    with database.read() as (tables, zone):
        wanted = wanted or published.newest_day(tables)
        rows = published.messages(tables, wanted, page) if wanted else []
        left_out = statements.shortfalls(tables, wanted, page) if wanted else []
    if not rows or not wanted:
        of_page = f" for page {page!r}" if page is not None else ""
        on_day = f" on {wanted}" if wanted else ""
        why = f": {left_out[0]['reason']}" if left_out else "; `eros runs` shows how the daily run went"
        raise UsageError(f"Nothing is scheduled{of_page}{on_day}{why}.")
    if as_json:
        print_json(rows)
        return
    if page is not None:
        view.show_page_day(rows, page, wanted, zone, left_out)
    else:
        view.show_day(rows, wanted, zone, left_out)
    database.show_source()


@click.command()
@click.argument("page", type=page_key)
@click.argument("day", metavar="DATE")
@click.argument("slot", type=click.IntRange(1, 1000))
@database_options
@json_option
def explain(page: str, day: str, slot: int, database: Database, as_json: bool) -> None:
    """Show why a caption was chosen: every component of the score of one SLOT of a day."""
    wanted = parse_date(day, "DATE")
    with database.read() as (tables, zone):
        row = statements.recommendation(tables, page, wanted, slot)
    if row is None:
        raise UsageError(
            f"Page {page!r} has no slot {slot} on {wanted}; `eros schedule` shows what there is."
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
                " nothing is ranked for it."
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
