"""One run of one schedule: lock, dbt, evidence, verdict."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.errors import CannotStartError, ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.run_folders import RunFolder
from eros_dbt_runner.runner import dbt_invocation
from eros_dbt_runner.runner.dbt_invocation import Failure, Invocation, NodeEvent, NodeResult
from eros_dbt_runner.runner.evidence import read_evidence
from eros_dbt_runner.runner.records import begin_folder, close_broken_off, fail, overrule
from eros_dbt_runner.runner.request import (
    LIMIT_VARIABLE,
    SECONDS_TO_BEGIN,
    SERVICE_VARIABLE,
    Request,
    arguments,
    enter,
    environment,
    present,
)
from eros_dbt_runner.runner.signals import StopRequest, stop_on_signals
from eros_dbt_runner.runner.verdict import Evidence, Verdict, judge
from eros_dbt_runner.texts import plain
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline, connect_when_free
from eros_dbt_runner.warehouse.whole_file import last_checkpoint
from eros_dbt_runner.writing import hold_database, keep_published


@dataclass(frozen=True)
class Report:
    """What became of a run. `seconds` is the time from the lock to the verdict."""

    schedule: str
    as_of: datetime
    execution_date: date
    invocation_id: str | None
    seconds: float
    verdict: Verdict
    database: str = ""
    inputs: str = ""

    def as_json(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        verdict = self.verdict
        job = verdict.evidence.job_run or {}
        document: dict[str, Any] = plain(
            {
                "schedule": self.schedule,
                "status": verdict.status,
                "exit_code": int(verdict.exit_code),
                "as_of": self.as_of,
                "execution_date": self.execution_date,
                "invocation_id": self.invocation_id,
                "database": self.database,
                "inputs": self.inputs,
                "duration_seconds": round(self.seconds, 3),
                "nodes": verdict.counts,
                "creators_processed": job.get("creators_processed"),
                "creators_failed": job.get("creators_failed"),
                "creator_errors": verdict.evidence.creator_errors,
                "messages_scheduled": verdict.evidence.messages_scheduled,
                "messages_left_out": verdict.evidence.messages_left_out,
                "rejected_rows": verdict.evidence.rejected_rows,
                "messages_kept": verdict.evidence.messages_kept,
                "learning": verdict.evidence.learning,
                "rejection_reasons": verdict.evidence.rejection_reasons,
                "notes": list(verdict.evidence.notes),
                "warnings": [{"name": result.name, "message": result.message} for result in verdict.warnings],
                "problems": [vars(problem) for problem in verdict.problems],
            }
        )
        return document


def run(request: Request, on_event: Callable[[NodeEvent], None], on_wait: Callable[[str], None]) -> Report:
    """Run a schedule, now, in this process.

    `on_event` hears of each node, `on_wait` of who holds the database while the run waits for it.
    Raises ErosError when the run cannot begin: BUSY, CANNOT_START, INTERRUPTED, TERMINATED.
    """
    with stop_on_signals() as stop:
        try:
            deadline = Deadline(request.wait)
            with hold_database(
                request.project, request.target, request.schedule.name, deadline, on_wait
            ) as notes:
                return _locked_run(request, notes, deadline, on_event, on_wait, stop)
        except KeyboardInterrupt:
            code = ExitCode(128 + (stop.number or 2))
            raise ErosError("Stopped before the run began.", code) from None


def _locked_run(
    request: Request,
    notes: list[str],
    deadline: Deadline,
    on_event: Callable[[NodeEvent], None],
    on_wait: Callable[[str], None],
    stop: StopRequest,
) -> Report:
    began = time.monotonic()
    _refuse_without_service()
    as_of = request.as_of or present(request)
    execution_date = clock.local_date(as_of, request.schedule.timezone)
    enter(request, environment(request, as_of))
    close_broken_off(request)
    folder = begin_folder(request, as_of)
    invocation = _invoke(request, folder, notes, deadline, on_event, on_wait)
    stop.too_late = True
    built = {
        result.name
        for result in invocation.results or ()
        if result.kind == "model" and result.status == "success"
    }
    verdict = judge(
        request.schedule.name,
        request.schedule.expects,
        invocation,
        _evidence(request, folder, invocation, execution_date, built, stop, on_wait),
        stop.number,
    )
    if invocation.success and verdict.exit_code is not ExitCode.OK:
        overrule(request, folder, verdict, on_wait)
    if request.on_duckdb and "schedule_recommendations" in built and verdict.exit_code is ExitCode.OK:
        notes += keep_published(request.project)
    told = tuple(NodeResult("database_file", "file", "warn", note) for note in notes)
    verdict = replace(verdict, warnings=(*told, *verdict.warnings))
    report = Report(
        schedule=request.schedule.name,
        as_of=as_of,
        execution_date=execution_date,
        invocation_id=folder.run_id(),
        seconds=time.monotonic() - began,
        verdict=verdict,
        database=str(request.project.database) if request.on_duckdb else request.target.name,
        inputs=request.project.inputs() if request.on_duckdb else "tables in the dataset",
    )
    try:
        folder.record(
            {
                "ended_at": clock.iso(clock.now()),
                "status": verdict.status,
                "exit_code": int(verdict.exit_code),
                "report": report.as_json(),
            }
        )
        folder.pack_log()
    except OSError as error:  # the run is what it was, though its folder cannot tell
        note = NodeResult("run_folder", "file", "warn", f"{folder.path} cannot be written: {error.strerror}")
        report = replace(report, verdict=replace(verdict, warnings=(*verdict.warnings, note)))
    return report


def _refuse_without_service() -> None:
    """A run whose service died before it began must not run: the next service asks for it again."""
    service = os.environ.get(SERVICE_VARIABLE)
    if service and service != str(os.getppid()):
        raise ErosError("The service that asked for this run is gone.", ExitCode.TERMINATED)


def _invoke(
    request: Request,
    folder: RunFolder,
    notes: list[str],
    deadline: Deadline,
    on_event: Callable[[NodeEvent], None],
    on_wait: Callable[[str], None],
) -> Invocation:
    """What dbt answers; while another program has the file open, asks again until the deadline."""
    while True:
        if request.on_duckdb:
            _wait_for_file(request.project.database, deadline, on_wait)
        invocation = dbt_invocation.invoke(
            arguments(request, log_path=folder.path),
            lambda invocation_id: _note(folder, invocation_id),
            on_event,
            [folder.path / run_folders.RESULTS, request.project.target_dir / run_folders.RESULTS],
            partial(last_checkpoint, request.project, notes),
        )
        if invocation.failure is not Failure.LOCKED or deadline.left() == 0:
            return invocation


def _note(folder: RunFolder, invocation_id: str) -> None:
    """Tell the folder the run's id; without room for it the run goes on."""
    with suppress(OSError):
        folder.record({"invocation_id": invocation_id})


def _wait_for_file(database: Path, deadline: Deadline, on_wait: Callable[[str], None]) -> None:
    """Return once the file can be written; a file that is not there yet needs its folder only."""
    if database.exists():
        connect_when_free(database, deadline, on_wait, read_only=False).close()
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStartError(f"{database.parent} cannot be made: {error.strerror}.") from None


def _stopped_by(number: int, folder: RunFolder) -> str:
    """What a run says that a signal stopped: that its time was up, if `eros serve` gave it one."""
    limit = os.environ.get(LIMIT_VARIABLE)
    began = clock.parse_moment(folder.facts()["began_at"])
    if limit and limit.isdigit() and (clock.now() - began).total_seconds() >= int(limit) - SECONDS_TO_BEGIN:
        return f"it took longer than {limit} s and was ended"
    return f"stopped by signal {number}"


def _evidence(
    request: Request,
    folder: RunFolder,
    invocation: Invocation,
    execution_date: date,
    built: set[str],
    stop: StopRequest,
    on_wait: Callable[[str], None],
) -> Evidence | None:
    """What the run left in the database, after giving a run that broke off its row."""
    if invocation.failure is Failure.LOCKED or (request.on_duckdb and not request.project.database.exists()):
        return Evidence()
    # The closing hook may have been stopped too, by a second signal or by the database.
    may_be_open = not invocation.success
    try:
        with connect(
            request.project, request.target, Deadline(request.wait), on_wait, read_only=not may_be_open
        ) as tables:
            if may_be_open:
                reason = _stopped_by(stop.number, folder) if stop.number else invocation.error
                fail(tables, request, folder, reason or "the run ended without closing its row")
            return read_evidence(tables, folder.run_id(), execution_date, built)
    except ErosError:  # somebody took the file as soon as dbt let go of it
        return None
