"""`eros health` and `eros alerts`, and the check of alerts that ends every run."""

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from eros_dbt_runner.commands.common import (
    EXIT_CODES,
    json_option,
    locked_warehouse,
    only_one,
    open_warehouse,
    plain_values,
    print_json,
    show_source,
    target_option,
    tell_holder,
    wait_option,
)
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode

if TYPE_CHECKING:
    from eros_dbt_runner.alerts import Attempt
    from eros_dbt_runner.runs import Report, Request

# A run may be in progress and will make its own check at its end; nobody waits long for this one.
CHECK_WAIT_SECONDS = 10.0


@click.command(epilog=EXIT_CODES)
@target_option
@wait_option
@json_option
def health(target: str | None, wait: float, as_json: bool) -> ExitCode:
    """Show the scorecard, the view health_checks, as it is now.

    The exit code tells the worst check: 0 PASS, 10 WARN, 11 FAIL.
    """
    from eros_dbt_runner import render

    with open_warehouse(wait, target) as (tables, _zone):
        rows = tables.health()
    if as_json:
        print_json(plain_values(rows))
    else:
        render.show_health(rows)
        show_source(target)
    statuses = {row["check_status"] for row in rows}
    if "FAIL" in statuses:
        return ExitCode.CHECK_FAILED
    return ExitCode.CHECK_WARNED if "WARN" in statuses else ExitCode.OK


@click.group("alerts", invoke_without_command=True)
@click.option("--all", "taken_too", is_flag=True, help="Also those that were taken or have recovered.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@target_option
@wait_option
@json_option
@click.pass_context
def alerts(
    context: click.Context, taken_too: bool, limit: int, target: str | None, wait: float, as_json: bool
) -> ExitCode | None:
    """List the open alerts, the newest first."""
    if context.invoked_subcommand:
        return None
    from eros_dbt_runner import render

    with open_warehouse(wait, target) as (tables, zone):
        rows = tables.alerts(limit, taken_too=taken_too)
    if as_json:
        print_json(plain_values(rows))
    elif rows:
        render.show_alerts(rows, zone)
        show_source(target)
    else:
        click.echo("No alert." if taken_too else "No open alert; --all shows those that are over.")
    return ExitCode.OK


@alerts.command("ack")
@click.argument("alert_id", metavar="ID")
@click.option("--by", metavar="NAME", help="Who takes it; default: the user of this session.")
@target_option
@wait_option
def ack(alert_id: str, by: str | None, target: str | None, wait: float) -> ExitCode:
    """Take the alert ID: it is not delivered again, and the same finding is silent for a day.

    The first characters of the id are enough, if no other alert begins with them.
    """
    from eros_dbt_runner.warehouse import user_name

    who = (by or user_name()).strip()
    if not who or who == "recovered":
        raise ErosError("--by must be the name of a person.", ExitCode.USAGE)
    from eros_dbt_runner import alerts as alerting
    from eros_dbt_runner.project import Project

    if spoken := alerting.take_spoken(Project.locate(), alert_id.strip().lower()):
        click.echo(f"{alert_id.strip()[:8]} is taken by {who}: {spoken}")
        return ExitCode.OK
    with locked_warehouse("alerts ack", wait, target) as (tables, _zone):
        alert = only_one(tables.alerts_like(alert_id.strip().lower()), "alert", alert_id)
        if alert["acknowledged"]:
            raise ErosError(
                f"Alert {alert['alert_id'][:8]} was taken already, by {alert['acknowledged_by']}.",
                ExitCode.USAGE,
            )
        tables.take_alert(alert["alert_id"], who)
    click.echo(f"{alert['alert_id'][:8]} is taken by {who}: {alert['alert_message']}")
    return ExitCode.OK


@alerts.command("check")
@target_option
@wait_option
@json_option
def check(target: str | None, wait: float, as_json: bool) -> ExitCode:
    """Raise what the scorecard finds, close what recovered, and deliver what waits.

    `eros run` and `eros serve` do this by themselves. A channel that fails is asked again next time.
    """
    from eros_dbt_runner import alerts as alerting
    from eros_dbt_runner.project import Project

    project = Project.locate()
    try:
        done = alerting.check(project, project.find_target(target), wait, tell_holder)
    except ErosError as error:
        without_run("alerts check", error)
        raise
    if as_json:
        print_json(plain_values({**vars(done), "attempts": [vars(attempt) for attempt in done.attempts]}))
        return ExitCode.USAGE if done.wrong_settings else ExitCode.OK
    for what, sources in (("raised", done.raised), ("recovered", done.recovered)):
        click.echo(f"{what}: {', '.join(sources) or 'none'}")
    for attempt in done.attempts:
        click.echo(_told(attempt))
    if done.wrong_settings:
        raise ErosError(done.wrong_settings[0], ExitCode.USAGE)
    return ExitCode.OK


def after_run(request: "Request", report: "Report") -> None:
    """The check that ends a run, whatever became of it. Never raises: an alert fails no run."""
    from eros_dbt_runner import alerts as alerting
    from eros_dbt_runner.lock import tell_nobody

    code = report.verdict.exit_code
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        return  # somebody wants this process to end now
    is_checked = False
    with suppress(Exception):
        done = alerting.check(request.project, request.target, CHECK_WAIT_SECONDS, tell_nobody)
        is_checked = True
        for wrong in done.wrong_settings:
            click.echo(f"alerts: {wrong}", err=True)
        for attempt in done.attempts:
            if attempt.error:
                click.echo(_told(attempt), err=True)
    if code is not ExitCode.OK and not (is_checked and _has_alert(request, report)):
        problem = report.verdict.problems[0]
        source = f"{report.schedule} failed"
        alerting.speak(request.project, source, f"{problem.what}: {problem.why}", problem.next_step)


def _has_alert(request: "Request", report: "Report") -> bool:
    """Whether the database holds the alert of a failed run; where it has no room, say, it does not."""
    from eros_dbt_runner.lock import Deadline, tell_nobody
    from eros_dbt_runner.warehouse import connect

    with (
        suppress(Exception),
        connect(request.project, request.target, Deadline(CHECK_WAIT_SECONDS), tell_nobody) as tables,
    ):
        return bool(tables.rows("select 1 from automation_alerts where job_id = ?", [report.invocation_id]))
    return False


def without_run(what: str, error: ErosError) -> None:
    """Tell the channels of a command that could not even begin, unless a person sees it anyway."""
    from eros_dbt_runner import alerts as alerting
    from eros_dbt_runner.project import Project

    if sys.stderr.isatty() or error.code not in (ExitCode.BUSY, ExitCode.CANNOT_START):
        return
    with suppress(Exception):
        step = "see docs/operations.md, *It cannot begin*"
        alerting.speak(Project.locate(), f"{what} cannot begin", str(error), step)


def _told(attempt: "Attempt") -> str:
    outcome = "delivered" if attempt.is_delivered else "not delivered"
    outcome += f": {attempt.error}" if attempt.error else ""
    return f"alert {attempt.alert_id[:8]} by {attempt.channel}: {outcome}"
