"""`eros report` and `eros uplift`."""

import sys
from pathlib import Path

import click

from eros_dbt_runner.clock import now, parse_date
from eros_dbt_runner.commands import Database, database_options, json_option, print_json
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.output import save
from eros_dbt_runner.published import like_page
from eros_dbt_runner.report import day_facts, day_report, uplift_view
from eros_dbt_runner.report import uplift as proofs
from eros_dbt_runner.texts import page_key


@click.command()
@click.option("--date", "day", metavar="DATE", help="Default: the newest day that a daily run planned.")
@click.option("--page", type=page_key, metavar="PAGE", help="One page instead of all.")
@click.option("--output", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path), metavar="FILE",
              help="Default: eros-report-DATE.html in the working folder; - is stdout.")  # fmt: skip
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@database_options
def report(day: str | None, page: str | None, output: Path | None, force: bool, database: Database) -> None:
    """Write a day as one HTML page for any browser, that needs no network.

    The day's messages on a time line and why each was chosen, who was left out and why, volume against
    plan, whether choice earns, what has been learnt, alerts and health as they are now.
    """
    wanted = parse_date(day, "--date", database.zone) if day else None
    with database.read() as (tables, zone):
        wanted = wanted or day_facts.newest_day(tables)
        facts = day_facts.read(tables, wanted, page) if wanted else None
        hint = like_page(tables, page) if facts and facts.is_empty else ""
    if facts is None:
        raise UsageError("No day was planned yet; `eros run daily` plans today.")
    if facts.is_empty:
        of_page = f" for page {facts.page!r}" if facts.page else ""
        raise UsageError(f"Nothing was planned{of_page} on {facts.day}; `eros schedule` shows what is.{hint}")
    content = day_report.render(facts, zone, now())
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    output = output or Path(f"eros-report-{facts.day}.html")
    save(content, output, force=force)
    click.echo(f"{output}: {len(facts.messages)} messages, {len(facts.creators)} creators", err=True)


@click.command()
@database_options
@json_option
def uplift(database: Database, as_json: bool) -> None:
    """Show whether EROS earns anything: what chosen captions earned, against random ones of the same tier.

    Then the figures behind it, over 30 and 90 days: the pages of which there is one, what became of the
    plans, and how often messages brought what was believed of them. The newest performance run made them.
    """
    with database.read() as (tables, _zone):
        proof = proofs.read(tables)
    if as_json:
        print_json(
            {
                "sentence": proofs.sentence(proof.uplift), "uplift": proof.uplift, "plans": proof.plans,
                "calibration": proof.calibration,
            }
        )  # fmt: skip
    else:
        uplift_view.show(proof)
        database.show_source()
