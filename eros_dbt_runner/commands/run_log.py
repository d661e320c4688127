"""`eros runs`: what has run, and what became of one run."""

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from eros_dbt_runner.commands.common import (
    json_option,
    only_one,
    open_warehouse,
    plain_values,
    print_json,
    show_source,
    target_option,
    wait_option,
)
from eros_dbt_runner.errors import one_sentence
from eros_dbt_runner.exit_codes import ExitCode

if TYPE_CHECKING:
    from eros_dbt_runner.run_folders import RunFolder


@click.group("runs", invoke_without_command=True)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many.")
@click.option("--job", metavar="NAME", help="Only runs of this schedule; `build` is plain dbt.")
@target_option
@wait_option
@json_option
@click.pass_context
def runs(
    context: click.Context, limit: int, job: str | None, target: str | None, wait: float, as_json: bool
) -> ExitCode | None:
    """List the runs, the newest first; `eros runs show ID` tells of one."""
    if context.invoked_subcommand:
        return None
    from eros_dbt_runner import render

    with open_warehouse(wait, target) as (tables, zone):
        rows = tables.job_runs(limit, job)
    if as_json:
        print_json(plain_values(rows))
    elif rows:
        render.show_runs(rows, zone)
        show_source(target)
    else:
        click.echo("Nothing has run yet.")
    return ExitCode.OK


@runs.command("show")
@click.argument("run_id", metavar="ID")
@target_option
@wait_option
@json_option
def show(run_id: str, target: str | None, wait: float, as_json: bool) -> ExitCode:
    """Tell what failed in the run ID, why, and the command that repeats just that.

    The first characters of the id are enough, if no other run begins with them.
    """
    from eros_dbt_runner import render

    with open_warehouse(wait, target) as (tables, zone):
        row = only_one(tables.job_runs_like(run_id.strip().lower()), "run", run_id)
        findings = tables.findings(row["job_id"])
    story = _story(row)
    for failure in story["failed"]:
        failure["message"] = one_sentence(findings.get(failure["node"]) or failure["message"])
    print_json(plain_values(story)) if as_json else render.show_run(story, zone)
    return ExitCode.OK


def _story(row: dict[str, Any]) -> dict[str, Any]:
    """The run's row with what its folder knows: failed nodes, log, and the command to repeat it."""
    from eros_dbt_runner import run_folders
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.schedules import read_schedules

    project = Project.locate()
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
            if result.get("status") in ("error", "fail", "runtime error")
        ]
    if row["job_status"] == "FAILED":
        known = read_schedules(project.directory / "schedules.yml")
        repeat = _repeat(row, folder, bool(failed), row["job_name"] in known)
    return {**row, "failed": failed, "log": str(log) if log else None, "repeat": repeat}


def _node(unique_id: str) -> str:
    """The name in model.project.name, or in test.project.name.hash."""
    parts = unique_id.split(".")
    return parts[2] if parts[0] == "test" and len(parts) > 2 else parts[-1]


def _repeat(row: dict[str, Any], folder: "RunFolder | None", has_results: bool, is_scheduled: bool) -> str:
    """The command that repeats what did not succeed, as of the same moment: failed nodes, or the run."""
    facts = folder.facts() if folder else {}
    as_of, since = facts.get("as_of"), facts.get("since")
    if folder and has_results:
        given = {"EROS_JOB_NAME": row["job_name"], "EROS_AS_OF": as_of, "EROS_SINCE": since}
        variables = [f"{name}={shlex.quote(str(value))}" for name, value in given.items() if value]
        return " ".join([*variables, "dbt retry --state", shlex.quote(str(folder.path))])
    if not is_scheduled:
        return "dbt build"
    flags = [f"--as-of {as_of}"] if as_of and facts.get("is_replay") else []
    flags += [f"--since {since}"] if since else []
    return " ".join([f"eros run {row['job_name']}", *flags])
