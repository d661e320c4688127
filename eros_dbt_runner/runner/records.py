"""The record of a run, from its beginning on, and the row of a run that could not close its own."""

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from eros_dbt_runner import clock, operations, run_folders
from eros_dbt_runner.errors import ErosError, writable
from eros_dbt_runner.run_folders import RunFolder
from eros_dbt_runner.runner.request import SLOT_VARIABLE, Request
from eros_dbt_runner.runner.verdict import Verdict
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline, tell_nobody
from eros_dbt_runner.writing import hold_database


def note_unbegun(request: Request, error: ErosError, began: datetime) -> str | None:
    """Keep a record of a run that could not begin, for `eros runs`; gives its id. Never raises."""
    ended = {
        "ended_at": clock.iso(clock.now()),
        "status": "FAILED",
        "exit_code": int(error.code),
        "error": str(error),
    }
    with suppress(OSError, ErosError):
        runs_dir, own = request.project.runs_dir, f"_{request.schedule.name}_{os.getpid()}"
        for folder in run_folders.folders(runs_dir):
            if folder.path.name.endswith(own) and folder.facts().get("status") == "RUNNING":
                break  # it came as far as having one
        else:
            folder = RunFolder.create(runs_dir, request.schedule.name)
            folder.record({**_beginning(request, request.as_of or began), "began_at": clock.iso(began)})
        folder.record(ended)
        return folder.run_id()
    return None


def _beginning(request: Request, as_of: datetime) -> dict[str, Any]:
    """What the record of a run says from its beginning on."""
    return {
        "schedule": request.schedule.name,
        "as_of": clock.iso(as_of),
        "since": request.since.isoformat() if request.since else None,
        "full_refresh": request.full_refresh,
        "asks_for_target": request.asks_for_target,
        "is_replay": request.as_of is not None,
        "slot": os.environ.get(SLOT_VARIABLE),
        "target": request.target.name,
        "database": request.project.identity(request.target),
        "began_at": clock.iso(clock.now()),
        "status": "RUNNING",
    }


def begin_folder(request: Request, as_of: datetime) -> RunFolder:
    """The run's folder; folders past their time go."""
    project = request.project
    with writable(project.runs_dir):
        run_folders.prune(project.runs_dir, project.keep_runs_days)
        run_folders.adopt(project.runs_dir, project.target_dir)
        folder = RunFolder.create(project.runs_dir, request.schedule.name)
        folder.record(_beginning(request, as_of))
    return folder


def tidy_up(request: Request, wait: float, on_wait: Callable[[str], None]) -> list[str]:
    """Between runs: a whole file, and a row for each run of this project that was killed.

    Gives what a person should know. `wait` is in seconds. Never raises: where this fails, because a run
    is in progress or the file is torn and there is no copy, the next run does it or tells.
    """
    try:
        with hold_database(request.project, request.target, "tidying up", Deadline(wait), on_wait) as notes:
            close_broken_off(request)
            return notes
    except ErosError as error:
        return [str(error)]


def close_broken_off(request: Request) -> None:
    """Give the runs that were killed their rows, as their folders name them; never raises.

    A run that was killed after it had closed its row keeps its status, in its folder too.
    """
    here = request.project.identity(request.target)
    broken = [
        folder
        for folder in run_folders.folders(request.project.runs_dir)
        if folder.facts().get("status") == "RUNNING" and folder.belongs_to(here)
    ]
    try:
        if not broken or (request.on_duckdb and not request.project.database.exists()):
            return
        with connect(request.project, request.target, Deadline(0), tell_nobody, read_only=False) as tables:
            for folder in broken:
                # A record of before databases were told apart: it is of this one if the run log knows it.
                if "database" not in folder.facts() and not operations.job_runs_like(tables, folder.run_id()):
                    continue
                with suppress(KeyError, TypeError, ValueError, AttributeError):  # nobody can read its record
                    status = fail(tables, request, folder, "the run was killed")
                    folder.record({"status": status, "ended_at": clock.iso(clock.now())})
    except (ErosError, OSError):  # the next run does it
        pass


def overrule(request: Request, folder: RunFolder, verdict: Verdict, on_wait: Callable[[str], None]) -> None:
    """The row of a run that dbt calls good, and that did not do what the schedule expects."""
    reason = "; ".join(f"{problem.what}: {problem.why}" for problem in verdict.problems)
    with (
        suppress(ErosError),
        connect(request.project, request.target, Deadline(request.wait), on_wait, read_only=False) as tables,
    ):
        fail(tables, request, folder, reason, overrule=True)


def fail(
    tables: Warehouse, request: Request, folder: RunFolder, reason: str, *, overrule: bool = False
) -> str:
    """A FAILED row for the run of `folder`, if it has none that says how it ended; gives the row's status."""
    facts = folder.facts()
    return operations.fail_job_run(
        tables,
        job_id=folder.run_id(),
        job_name=facts["schedule"],
        began=clock.parse_moment(facts["began_at"]),
        execution_date=clock.local_date(clock.parse_moment(facts["as_of"]), request.schedule.timezone),
        reason=reason,
        overrule=overrule,
    )
