"""`eros health` and `eros alerts`."""

import click

from eros_dbt_runner.alerts import after_runs, statements, unwritten, view
from eros_dbt_runner.alerts import check as checking
from eros_dbt_runner.commands import (
    Database,
    database_options,
    json_option,
    only_one,
    print_json,
    tell_holder,
    user_name,
)
from eros_dbt_runner.errors import ErosError, UsageError
from eros_dbt_runner.exit_codes import EXIT_CODES, ExitCode
from eros_dbt_runner.operations import health as scorecard


@click.command(epilog=EXIT_CODES)
@database_options
@json_option
def health(database: Database, as_json: bool) -> ExitCode:
    """Show the scorecard, the view health_checks, as it is now.

    The exit code tells the worst check: 0 PASS, 10 WARN, 11 FAIL.
    """
    with database.read() as (tables, _zone):
        rows = scorecard(tables)
    if as_json:
        print_json(rows)
    else:
        view.show_health(rows)
        database.show_source()
    statuses = {row["check_status"] for row in rows}
    if "FAIL" in statuses:
        return ExitCode.CHECK_FAILED
    return ExitCode.CHECK_WARNED if "WARN" in statuses else ExitCode.OK


@click.group("alerts", invoke_without_command=True)
@click.option("--all", "taken_too", is_flag=True, help="Also those that were taken or have recovered.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@database_options
@json_option
@click.pass_context
def alerts(context: click.Context, taken_too: bool, limit: int, database: Database, as_json: bool) -> None:
    """List the open alerts, the newest first."""
    if context.invoked_subcommand:
        return
    with database.read() as (tables, zone):
        rows = statements.listed(tables, limit, taken_too=taken_too)
    if as_json:
        print_json(rows)
    elif rows:
        view.show_alerts(rows, zone)
        database.show_source()
    else:
        click.echo("No alert." if taken_too else "No open alert; --all shows those that are over.")


@alerts.command("ack")
@click.argument("alert_id", metavar="ID")
@click.option("--by", metavar="NAME", help="Who takes it; default: the user of this session.")
@database_options
def ack(alert_id: str, by: str | None, database: Database) -> None:
    """Take the alert ID: it is not delivered again, and the same finding is silent for a day.

    The first characters of the id are enough, if no other alert begins with them.
    """
    who = (by or user_name()).strip()
    if not who or who == "recovered":
        raise UsageError("--by must be the name of a person.")
    if spoken := unwritten.take_spoken(database.project, alert_id.strip().lower()):
        click.echo(f"{alert_id.strip()[:8]} is taken by {who}: {spoken}")
        return
    with database.write("alerts ack") as (tables, _zone):
        alert = only_one(statements.beginning_with(tables, alert_id.strip().lower()), "alert", alert_id)
        if alert["acknowledged"]:
            raise UsageError(
                f"Alert {alert['alert_id'][:8]} was taken already, by {alert['acknowledged_by']}."
            )
        statements.take(tables, alert["alert_id"], who)
    click.echo(f"{alert['alert_id'][:8]} is taken by {who}: {alert['alert_message']}")


@alerts.command("check")
@database_options
@json_option
def check(database: Database, as_json: bool) -> ExitCode:
    """Raise what the scorecard finds, close what recovered, and deliver what waits.

    `eros run` and `eros serve` do this by themselves. A channel that fails is asked again next time.
    """
    try:
        done = checking.check(database.project, database.target, database.wait, tell_holder)
    except ErosError as error:
        after_runs.without_run("alerts check", error)
        raise
    if as_json:
        print_json({**vars(done), "attempts": [vars(attempt) for attempt in done.attempts]})
        return ExitCode.USAGE if done.wrong_settings else ExitCode.OK
    for what, sources in (("raised", done.raised), ("recovered", done.recovered)):
        click.echo(f"{what}: {', '.join(sources) or 'none'}")
    for attempt in done.attempts:
        click.echo(after_runs.told(attempt))
    if done.wrong_settings:
        raise UsageError(done.wrong_settings[0])
    return ExitCode.OK
