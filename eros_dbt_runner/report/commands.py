"""`eros report`."""

import sys
from pathlib import Path

import click

from eros_dbt_runner.clock import now, parse_date
from eros_dbt_runner.commands import Database, database_options
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.output import save
from eros_dbt_runner.report import day_facts, day_report
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
    plan, what has been learnt, alerts and health as they are now.
    """
    wanted = parse_date(day, "--date") if day else None
    with database.read() as (tables, zone):
        wanted = wanted or day_facts.newest_day(tables)
        facts = day_facts.read(tables, wanted, page) if wanted else None
    if facts is None:
        raise UsageError("No day was planned yet; `eros run daily` plans today.")
    if facts.is_empty:
        of_page = f" for page {facts.page!r}" if facts.page else ""
        raise UsageError(f"Nothing was planned{of_page} on {facts.day}; `eros schedule` shows what is.")
    content = day_report.render(facts, zone, now())
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    output = output or Path(f"eros-report-{facts.day}.html")
    save(content, output, force=force)
    click.echo(f"{output}: {len(facts.messages)} messages, {len(facts.creators)} creators", err=True)
