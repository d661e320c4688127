"""`eros runs`: what has run, and what became of one run."""

import shlex
from pathlib import Path
from typing import Any

import click

from eros_dbt_runner.commands.common import (
    json_option,
    only_one,
    open_warehouse,
    plain_values,
    print_json,
    target_option,
    wait_option,
)
from eros_dbt_runner.errors import one_sentence
from eros_dbt_runner.exit_codes import ExitCode


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
    story = _story(row)
    print_json(plain_values(story)) if as_json else render.show_run(story, zone)
    return ExitCode.OK


def _story(row: dict[str, Any]) -> dict[str, Any]:
    """The run's row with what its folder knows: failed nodes, log, and the command to repeat it."""
    from eros_dbt_runner import run_folders
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.schedules import read_schedules

    project = Project.locate()
    run_folders.adopt(project.runs_dir, project.target_dir)
    folder = run_folders.find(project.runs_dir, row["job_id"])
    failed, log, repeat = [], None, None
    if folder:
        log = folder.log()
        failed = [
            {
                "node": result["unique_id"].split(".")[-1 if "test" not in result["unique_id"] else 2],
                "status": result["status"],
                "message": one_sentence(result.get("message") or ""),
            }
            for result in folder.results()
            if result["status"] in ("error", "fail", "runtime error")
        ]
    if row["job_status"] == "FAILED":
        known = read_schedules(project.directory / "schedules.yml")
        repeat = _repeat(row, folder.path if folder and failed else None, row["job_name"] in known)
    return {**row, "failed": failed, "log": str(log) if log else None, "repeat": repeat}


def _repeat(row: dict[str, Any], results: Path | None, is_scheduled: bool) -> str:
    """The command that repeats what did not succeed: the failed nodes, or else the whole run."""
    if results:
        name = shlex.quote(row["job_name"])
        return f"EROS_JOB_NAME={name} dbt retry --state {shlex.quote(str(results))}"
    return f"eros run {row['job_name']}" if is_scheduled else "dbt build"
