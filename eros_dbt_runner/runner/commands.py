"""`eros run`."""

import click

from eros_dbt_runner import clock
from eros_dbt_runner.alerts import after_runs
from eros_dbt_runner.commands import json_option, print_json, target_option, wait_option
from eros_dbt_runner.errors import CannotStartError, ErosError, UsageError
from eros_dbt_runner.exit_codes import EXIT_CODES, ExitCode
from eros_dbt_runner.project import Project
from eros_dbt_runner.runner import runs, view
from eros_dbt_runner.runner.dry_run import dry_run as planned
from eros_dbt_runner.runner.records import note_unbegun
from eros_dbt_runner.runner.request import Request
from eros_dbt_runner.schedules import find_schedule


@click.command(epilog=EXIT_CODES)
@click.argument("schedule", metavar="performance|daily|sweep")
@click.option(
    "--as-of", metavar="ISO-8601", envvar="EROS_AS_OF", help="Run as if it were then; no offset means UTC."
)
@click.option("--execution-date", metavar="DATE", help="Daily only: as of its usual time on that date.")
@click.option("--since", metavar="DATE", help="Performance only: take all messages from that date anew.")
@click.option("--full-refresh", is_flag=True, help="Rebuild from all history; what was published stays.")
@target_option
@click.option("--dry-run", is_flag=True, help="Print what would go to dbt, and run nothing.")
@wait_option
@json_option
def run(
    schedule: str,
    as_of: str | None,
    execution_date: str | None,
    since: str | None,
    full_refresh: bool,
    target: str | None,
    dry_run: bool,
    wait: float,
    as_json: bool,
) -> ExitCode:
    """Run a schedule of schedules.yml now, and judge what came back."""
    request, began = None, clock.now()
    try:
        request = _request(schedule, as_of, execution_date, since, full_refresh, target, wait)
        if dry_run:
            plan = planned(request)
            print_json(plan) if as_json else view.show_dry_run(plan)
            return ExitCode.OK
        with view.Reporter(schedule) as reporter:
            report = runs.run(request, reporter)
            _check_alerts(request, report)
    except (ErosError, OSError) as failure:
        error = failure if isinstance(failure, ErosError) else _unusable(failure)
        after_runs.without_run(schedule, error)
        run_id = note_unbegun(request, error, began) if request and not dry_run else None
        if not as_json:
            raise error from None
        answer = {"status": "NOT_RUN", "exit_code": int(error.code), "error": str(error), "run_id": run_id}
        print_json(answer)
        return error.code
    if as_json:
        print_json(report.as_json())
    else:
        view.show_report(report, request.schedule.timezone)
    return report.verdict.exit_code


def _check_alerts(request: Request, report: runs.Report) -> None:
    problem = next(iter(report.verdict.problems), None)
    failure = (f"{problem.what}: {problem.why}", problem.next_step) if problem else ("", "")
    after_runs.after_run(
        request.project,
        request.target,
        report.verdict.exit_code,
        report.invocation_id,
        (f"{report.schedule} failed", *failure),
    )


def _unusable(error: OSError) -> ErosError:
    """A file or folder that the run needs: no room on its disk, say."""
    return CannotStartError(f"{error.filename or 'A file'} cannot be used: {error.strerror}.")


def _request(
    name: str,
    as_of: str | None,
    execution_date: str | None,
    since: str | None,
    full_refresh: bool,
    target: str | None,
    wait: float,
) -> Request:
    """The checked request behind the options of `run`; raises ErosError (USAGE)."""
    project = Project.locate()
    schedule = find_schedule(project.directory / "schedules.yml", name)
    for option, value in (("since", since), ("execution_date", execution_date)):
        if value and option not in schedule.accepts:
            flag = option.replace("_", "-")
            raise UsageError(f"--{flag} makes no sense for schedule {name}.")
    source = click.get_current_context().get_parameter_source("as_of")
    if execution_date and as_of and source is click.core.ParameterSource.COMMANDLINE:
        raise UsageError("Give --as-of or --execution-date, not both.")
    moment = clock.parse_moment(as_of) if as_of else None
    if execution_date:
        day = clock.parse_date(execution_date, "--execution-date")
        now = moment or clock.now()
        moment = clock.local_moment(day, schedule.time_of_day(), schedule.timezone)
        if day == clock.local_date(now, schedule.timezone):
            moment = max(moment, now)  # hours of the present day that have passed are not planned
    since_day = clock.parse_date(since, "--since") if since else None
    today = clock.local_date(moment or clock.now(), schedule.timezone)
    if since_day and since_day > today:
        raise UsageError(f"--since {since_day} is after {today}, the run's date.")
    return Request(
        project=project,
        schedule=schedule,
        target=project.find_target(target),
        asks_for_target=target is not None,
        as_of=moment,
        since=since_day,
        full_refresh=full_refresh,
        wait=wait,
    )
