"""`eros runs` and `eros rejected`."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from zoneinfo import ZoneInfo

import click

from eros_dbt_runner import clock, operations, run_folders
from eros_dbt_runner.commands import Database, database_options, json_option, only_one, print_json
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project
from eros_dbt_runner.run_folders import RunFolder
from eros_dbt_runner.run_log import view
from eros_dbt_runner.schedules import read_schedules, zone_of
from eros_dbt_runner.texts import page_key
from eros_dbt_runner.warehouse.base import Row, Warehouse

FAILED = ("error", "fail", "runtime error")


@click.group("runs", invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--job", metavar="NAME", help="Only runs of this schedule; `build` is plain dbt.")
@database_options
@json_option
@click.pass_context
def runs(context: click.Context, limit: int, job: str | None, database: Database, as_json: bool) -> None:
    """List the runs, the newest first; `eros runs show ID` tells of one."""
    if context.invoked_subcommand:
        return

    with _known_runs(database) as (tables, unlisted, zone):
        rows = operations.job_runs(tables, limit, job) if tables else []
        rows += [row for row in unlisted if job in (None, row["job_name"])]
    rows = sorted(rows, key=lambda row: row["job_start_time"], reverse=True)[:limit]
    if as_json:
        print_json(rows)
    elif rows:
        view.show_runs(rows, zone)
        database.show_source()
    else:
        click.echo("Nothing has run yet.")


@runs.command("show")
@click.argument("run_id", metavar="ID")
@database_options
@json_option
def show(run_id: str, database: Database, as_json: bool) -> None:
    """Tell what failed in the run ID, why, and the command that repeats just that.

    The first characters of the id are enough, if no other run begins with them.
    """
    typed = run_id.strip()
    with _known_runs(database) as (tables, unlisted, zone):
        found = operations.job_runs_like(tables, typed.lower()) if tables else []
        found += [row for row in unlisted if row["job_id"].lower().startswith(typed.lower())]
        row = only_one(found, "run", run_id)
        findings = operations.findings(tables, row["job_id"]) if tables else {}
    story = _story(database.project, row)
    for failure in story["failed"]:
        failure["message"] = one_sentence(findings.get(failure["node"]) or failure["message"])
    print_json(story) if as_json else view.show_run(story, zone)


def _story(project: Project, row: dict[str, Any]) -> dict[str, Any]:
    """The run's row with what its folder knows: failed nodes, log, and the command to repeat it."""
    with suppress(OSError):  # a folder that cannot be written hides no row
        run_folders.adopt(project.runs_dir, project.target_dir)
    folder = run_folders.find(project.runs_dir, row["job_id"])
    failed, log, repeat = [], None, None
    if folder:
        log = folder.log()
        failed = [
            {
                "node": _node(str(result.get("unique_id"))),
                "status": result["status"],
                "message": one_sentence(str(result.get("message") or "")),
            }
            for result in folder.results()
            if result.get("status") in FAILED
        ]
    if row["job_status"] == "FAILED":
        known = read_schedules(project.directory / "schedules.yml")
        repeat = _repeat(project, row, folder, bool(failed), row["job_name"] in known)
    return {**row, "failed": failed, "log": str(log) if log else None, "repeat": repeat}


def _node(unique_id: str) -> str:
    """The name in model.project.name, or in test.project.name.hash."""
    parts = unique_id.split(".")
    return parts[2] if parts[0] == "test" and len(parts) > 2 else parts[-1]


def _repeat(
    project: Project, row: dict[str, Any], folder: RunFolder | None, has_results: bool, is_scheduled: bool
) -> str:
    """The command that repeats the run once its cause is mended, as of the same moment if it was a replay.

    In a replay where nothing but models failed that read no input itself, dbt can go on from there: a test or
    a hook that failed looked at what is built already, and `dbt retry` would not build it anew. A run of the
    present is repeated as of the moment of its repetition, since hours have passed.
    """
    facts = folder.facts() if folder else {}
    as_of, since = facts.get("as_of"), facts.get("since")
    if folder and has_results and is_scheduled and facts.get("is_replay") and _may_go_on(project, folder):
        given = {"EROS_JOB_NAME": row["job_name"], "EROS_AS_OF": as_of, "EROS_SINCE": since}
        variables = [f"{name}={shlex.quote(str(value))}" for name, value in given.items() if value]
        return " ".join([*variables, "dbt retry --state", shlex.quote(str(folder.path))])
    if not is_scheduled:
        return _dbt_command(folder)
    flags = [f"--as-of {as_of}"] if as_of and facts.get("is_replay") else []
    flags += [f"--since {since}"] if since else []
    flags += ["--full-refresh"] if facts.get("full_refresh") else []
    flags += [f"--target {facts['target']}"] if facts.get("asks_for_target") else []
    return " ".join([f"eros run {row['job_name']}", *flags])


def _may_go_on(project: Project, folder: RunFolder) -> bool:
    """Whether only models failed, and none of those that read the inputs."""
    staging = {path.stem for path in (project.directory / "models" / "staging").glob("*.sql")}
    failed = [str(r.get("unique_id")) for r in folder.results() if r.get("status") in FAILED]
    return all(name.startswith("model.") and name.split(".")[-1] not in staging for name in failed)


def _dbt_command(folder: RunFolder | None) -> str:
    """The command of a plain dbt run, as dbt has noted it."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        if folder:
            noted = json.loads((folder.path / run_folders.RESULTS).read_text(encoding="utf-8"))["args"]
            command = str(noted["invocation_command"])
            if command.startswith("dbt "):
                return command
    return "dbt build"


def _unlisted(tables: Warehouse | None, project: Project, here: str, zone: Any) -> list[dict[str, Any]]:
    """Rows as of etl_job_runs for the runs of this database that are not in it: they could not begin."""
    known = {row["job_id"] for row in operations.job_runs(tables, 10**6)} if tables else set()
    rows = []
    for folder in run_folders.folders(project.runs_dir):
        facts = folder.facts()
        with suppress(KeyError, TypeError, ValueError, AttributeError, ErosError):
            if (
                facts["status"] == "RUNNING"
                or "database" not in facts
                or not folder.belongs_to(here)
                or folder.run_id() in known
            ):
                continue
            problems = (facts.get("report") or {}).get("problems") or []
            why = facts.get("error") or "; ".join(f"{p['what']}: {p['why']}" for p in problems)
            began, ended = clock.parse_moment(facts["began_at"]), clock.parse_moment(facts["ended_at"])
            rows.append(
                {
                    "job_id": folder.run_id(), "job_name": facts["schedule"], "job_start_time": began,
                    "job_end_time": ended, "job_status": facts["status"],
                    "execution_date": clock.local_date(clock.parse_moment(facts["as_of"]), zone),
                    "creators_processed": None, "creators_failed": None,
                    "error_message": why or "the database does not know this run any more",
                    "job_duration_seconds": (ended - began).total_seconds(),
                }
            )  # fmt: skip
    return rows


@contextmanager
def _known_runs(database: Database) -> Iterator[tuple[Warehouse | None, list[Row], ZoneInfo]]:
    """The database, or None where there is none, the runs that only their folders know, and the zone."""
    project = database.project
    here = project.identity(database.target)
    try:
        with database.read() as (tables, zone):
            yield tables, _unlisted(tables, project, here, zone), zone
    except ErosError as error:
        zone = zone_of(project.directory)
        rows = _unlisted(None, project, here, zone)
        if error.code is not ExitCode.CANNOT_START or not rows:
            raise
        click.echo(f"eros: {error}", err=True)
        yield None, rows, zone


@click.command()
@click.option("--table", metavar="NAME", help="Only rows of this input table.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many reasons."
)
@database_options
@json_option
def rejected(table: str | None, limit: int, database: Database, as_json: bool) -> None:
    """Show why rows of the inputs cannot be used: reason, number of rows, and one of them.

    It is what the last run found that read the inputs.
    """
    with database.read() as (tables, _zone):
        rows = operations.rejected(tables, page_key(table) if table else None)
    if as_json:
        print_json(rows[:limit])
    elif rows:
        view.show_rejected(rows[:limit], len(rows) - limit)
    else:
        click.echo(f"Every row{f' of {table}' if table else ''} can be used.")
