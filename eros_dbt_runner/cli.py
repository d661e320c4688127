"""The command line. Thin: it reads options, calls, prints, and ends with an exit code.

Nothing heavy is imported before a command needs it: `eros --help` answers at once.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode

EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {int(code):>3}  {code.meaning}" for code in ExitCode)
CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=60,
    envvar="EROS_LOCK_WAIT",
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while another run or program holds the database [EROS_LOCK_WAIT].",
)


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run a command and end the process with its exit code; whatever is wrong is one sentence."""
    try:
        code = cli.main(args=argv, prog_name="eros", standalone_mode=False) or ExitCode.OK
        sys.stdout.flush()
    except ErosError as error:
        code = _tell(str(error), error.code)
    except click.Abort:
        code = _tell("Interrupted.", ExitCode.INTERRUPTED)
    except KeyboardInterrupt:
        code = _tell("Interrupted.", ExitCode.INTERRUPTED)
    except click.ClickException as error:
        code = _tell(one_sentence(error.format_message()), ExitCode.USAGE)
    except BrokenPipeError:  # `eros schedule | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    except Exception as error:
        if os.environ.get("EROS_DEBUG"):
            raise
        what = one_sentence(f"{type(error).__name__}: {error}")
        code = _tell(f"Defect in eros: {what} (EROS_DEBUG=1 shows where).", ExitCode.INTERNAL)
    sys.exit(int(code))


def _tell(sentence: str, code: ExitCode) -> ExitCode:
    click.echo(f"eros: {sentence}", err=True)
    return code


def _print_json(document: Any) -> None:
    click.echo(json.dumps(document, ensure_ascii=False, indent=2))


@click.group(context_settings=CONTEXT, epilog=EXIT_CODES)
@click.version_option(package_name="eros_dbt_runner", prog_name="eros")
def cli() -> None:
    """EROS: which caption goes out on which page at which hour, learnt from what fans bought.

    The dbt project is the one in EROS_PROJECT_DIR, in the working folder, or beside this program.
    EROS_DUCKDB_PATH names the database file (eros.duckdb), EROS_DATA_DIR the folder with the four
    input tables (data).
    """


# ---- running ----


@cli.command(epilog=EXIT_CODES)
@click.argument("schedule", metavar="performance|daily|sweep")
@click.option(
    "--as-of", metavar="ISO-8601", envvar="EROS_AS_OF", help="Run as if it were then; no offset means UTC."
)
@click.option("--execution-date", metavar="DATE", help="Daily only: as of its usual time on that date.")
@click.option("--since", metavar="DATE", help="Performance only: take all messages from that date anew.")
@click.option("--full-refresh", is_flag=True, help="Rebuild from all history; what was published stays.")
@click.option("--target", metavar="NAME", help="Target in profiles.yml.")
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
    from eros_dbt_runner import render, runs

    try:
        request = _request(schedule, as_of, execution_date, since, full_refresh, target, wait)
        if dry_run:
            plan = runs.dry_run(request)
            _print_json(plan) if as_json else render.show_dry_run(plan)
            return ExitCode.OK
        with render.Reporter(schedule) as reporter:
            report = runs.run(request, reporter.on_event, reporter.on_wait)
    except ErosError as error:
        if not as_json:
            raise
        _print_json({"status": "NOT_RUN", "exit_code": int(error.code), "error": str(error)})
        return error.code
    if as_json:
        _print_json(report.as_json())
    else:
        render.show_report(report, request.schedule.timezone)
    return report.verdict.exit_code


def _request(
    name: str,
    as_of: str | None,
    execution_date: str | None,
    since: str | None,
    full_refresh: bool,
    target: str | None,
    wait: float,
):
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
        moment = clock.local_moment(day, schedule.time_of_day(), schedule.timezone)
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


@cli.command("sample-data")
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


# ---- reading ----


@cli.command("schedule")
@click.argument("page", required=False)
@click.option("--date", "day", metavar="DATE", help="Default: the newest day that was published.")
@wait_option
@json_option
def show_schedule(page: str | None, day: str | None, wait: float, as_json: bool) -> ExitCode:
    """Show a day's plan: of all pages, or of one PAGE with its captions."""
    from eros_dbt_runner import clock, render

    wanted = clock.parse_date(day, "--date") if day else None
    with _warehouse(wait) as (tables, zone):
        wanted = wanted or tables.newest_day()
        rows = tables.day(wanted, _page(page)) if wanted else []
    if not rows:
        of_page = f" for page {_page(page)!r}" if page else ""
        on_day = f" on {wanted}" if wanted else ""
        raise ErosError(f"Nothing is scheduled{of_page}{on_day}.", ExitCode.USAGE)
    if as_json:
        _print_json(_plain(rows))
    elif page:
        render.show_page_day(rows, _page(page), wanted, zone)
    else:
        render.show_day(rows, wanted, zone)
    return ExitCode.OK


@cli.command()
@click.argument("page")
@click.argument("day", metavar="DATE")
@click.argument("slot", type=click.IntRange(min=1))
@wait_option
@json_option
def explain(page: str, day: str, slot: int, wait: float, as_json: bool) -> ExitCode:
    """Show why a caption was chosen: every component of the score of one SLOT of a day."""
    from eros_dbt_runner import clock, render

    wanted = clock.parse_date(day, "DATE")
    with _warehouse(wait) as (tables, zone):
        row = tables.recommendation(_page(page), wanted, slot)
    if row is None:
        raise ErosError(
            f"Page {_page(page)!r} has no slot {slot} on {wanted}; `eros schedule` shows what there is.",
            ExitCode.USAGE,
        )
    _print_json(_plain(row)) if as_json else render.show_explanation(row, zone)
    return ExitCode.OK


@cli.command()
@click.argument("page")
@click.option("--segment", type=click.Choice(["budget", "standard", "premium"]))
@click.option("--budget", type=click.IntRange(min=0), help="Captions wanted of the budget tier.")
@click.option("--mid", type=click.IntRange(min=0), help="Of the mid tier.")
@click.option("--premium", type=click.IntRange(min=0), help="Of the premium tier.")
@click.option("--bump", type=click.IntRange(min=0), help="Of the free ones.")
@wait_option
@json_option
def select(
    page: str,
    segment: str | None,
    budget: int | None,
    mid: int | None,
    premium: int | None,
    bump: int | None,
    wait: float,
    as_json: bool,
) -> ExitCode:
    """Select captions for PAGE as the daily run would, and publish nothing.

    What is not given is taken from the page's newest plan.
    """
    from eros_dbt_runner import render

    asked = {"budget": budget, "mid": mid, "premium": premium, "bump": bump}
    with _warehouse(wait) as (tables, _zone):
        plan = tables.day_plan(_page(page))
        if plan is None:
            raise ErosError(f"Page {_page(page)!r} is not planned.", ExitCode.USAGE)
        numbers = [plan[f"num_{tier}"] if n is None else n for tier, n in asked.items()]
        segment = segment or plan["behavioral_segment"]
        rows = tables.select_captions(_page(page), segment, *numbers)
    if as_json:
        _print_json(_plain(rows))
    elif rows:
        render.show_selection(rows, _page(page), segment)
    else:
        click.echo("No caption fits.")
    return ExitCode.OK


def _page(name: str | None) -> str | None:
    """A page's name as the project compares it: trimmed and in lower case."""
    return name.strip().lower() if name else None


def _plain(value: Any) -> Any:
    from eros_dbt_runner.warehouse import plain

    return plain(value)


class _warehouse:  # noqa: N801 - used like a function
    """The database for a reading command, and the zone to show times in."""

    def __init__(self, wait: float) -> None:
        self._wait = wait

    def __enter__(self):
        from eros_dbt_runner.lock import Deadline
        from eros_dbt_runner.project import Project
        from eros_dbt_runner.schedules import read_schedules
        from eros_dbt_runner.warehouse import Warehouse

        project = Project.locate()
        schedules = read_schedules(project.directory / "schedules.yml")
        zone = next(iter(schedules.values())).timezone
        self._tables = Warehouse(
            project.database,
            Deadline(self._wait),
            lambda holder: click.echo(f"waiting: {holder}", err=True),
        )
        return self._tables, zone

    def __exit__(self, *exception: object) -> None:
        self._tables.__exit__(*exception)


if __name__ == "__main__":
    main()
