"""`eros run` and `eros sample-data`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eros_dbt_runner.commands import alerting
from eros_dbt_runner.commands.common import EXIT_CODES, json_option, print_json, target_option, wait_option
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode

if TYPE_CHECKING:
    from eros_dbt_runner.runs import Request


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
    from eros_dbt_runner import clock, render, runs

    request, began = None, clock.now()
    try:
        request = _request(schedule, as_of, execution_date, since, full_refresh, target, wait)
        if dry_run:
            plan = runs.dry_run(request)
            print_json(plan) if as_json else render.show_dry_run(plan)
            return ExitCode.OK
        with render.Reporter(schedule) as reporter:
            report = runs.run(request, reporter.on_event, reporter.on_wait)
            alerting.after_run(request, report)
    except (ErosError, OSError) as failure:
        error = failure if isinstance(failure, ErosError) else _unusable(failure)
        alerting.without_run(schedule, error)
        run_id = runs.note_unbegun(request, error, began) if request and not dry_run else None
        if not as_json:
            raise error from None
        answer = {"status": "NOT_RUN", "exit_code": int(error.code), "error": str(error), "run_id": run_id}
        print_json(answer)
        return error.code
    if as_json:
        print_json(report.as_json())
    else:
        render.show_report(report, request.schedule.timezone)
    return report.verdict.exit_code


def _unusable(error: OSError) -> ErosError:
    """A file or folder that the run needs: no room on its disk, say."""
    return ErosError(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", ExitCode.CANNOT_START)


def _request(
    name: str,
    as_of: str | None,
    execution_date: str | None,
    since: str | None,
    full_refresh: bool,
    target: str | None,
    wait: float,
) -> "Request":
    """The checked request behind the options of `run`; raises ErosError (USAGE)."""
    from eros_dbt_runner import clock, runs
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.schedules import find_schedule

    project = Project.locate()
    schedule = find_schedule(project.directory / "schedules.yml", name)
    for option, value in (("since", since), ("execution_date", execution_date)):
        if value and option not in schedule.accepts:
            flag = option.replace("_", "-")
            raise ErosError(f"--{flag} makes no sense for schedule {name}.", ExitCode.USAGE)
    source = click.get_current_context().get_parameter_source("as_of")
    if execution_date and as_of and source is click.core.ParameterSource.COMMANDLINE:
        raise ErosError("Give --as-of or --execution-date, not both.", ExitCode.USAGE)
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
        raise ErosError(f"--since {since_day} is after {today}, the run's date.", ExitCode.USAGE)
    return runs.Request(
        project=project,
        schedule=schedule,
        target=project.find_target(target),
        asks_for_target=target is not None,
        as_of=moment,
        since=since_day,
        full_refresh=full_refresh,
        wait=wait,
    )


@click.command("sample-data")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--pages", type=int, default=20, show_default=True)
@click.option("--captions", type=int, default=4_000, show_default=True)
@click.option("--messages", type=int, default=20_000, show_default=True)
@click.option("--days", type=int, default=120, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--end", metavar="ISO-8601", help="The newest message is just before; default: now.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
)
def sample_data(
    directory: Path | None,
    pages: int,
    captions: int,
    messages: int,
    days: int,
    seed: int,
    end: str | None,
    file_format: str,
) -> ExitCode:
    """Make fictional input tables in DIRECTORY (default: EROS_DATA_DIR, else data).

    The same options make the same files. Tables that come from elsewhere are never overwritten.
    """
    from eros_dbt_runner import clock
    from eros_dbt_runner.project import DEFAULT_DATA_DIR, Project
    from eros_dbt_runner.sample_data import generate

    if directory is None:
        given = os.environ.get("EROS_DATA_DIR") or DEFAULT_DATA_DIR
        directory = Project.locate().directory / given
    try:
        rows = generate(
            directory,
            pages=pages,
            captions=captions,
            messages=messages,
            days=days,
            seed=seed,
            end=clock.parse_moment(end, "--end") if end else clock.now(),
            file_format=file_format,
            progress=_show_written if sys.stderr.isatty() else None,
        )
    except (ValueError, FileExistsError) as error:
        raise ErosError(one_sentence(str(error)), ExitCode.USAGE) from None
    except OSError as error:
        problem = f"{error.filename or directory}: {error.strerror}"
        raise ErosError(f"The tables cannot be written: {problem}.", ExitCode.USAGE) from None
    click.echo(f"{directory}: {', '.join(f'{name} ({n:,} rows)' for name, n in rows.items())}")
    return ExitCode.OK


def _show_written(name: str, rows: int, expected: int) -> None:
    """One line on the terminal that counts up."""
    click.echo(f"\r{name}: {rows:,} of {expected:,} rows", err=True, nl=rows >= expected)
