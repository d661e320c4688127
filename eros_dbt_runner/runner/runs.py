"""One run of one schedule: lock, dbt, evidence, verdict."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.errors import ErosError, writable
from eros_dbt_runner.exit_codes import ExitCode
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
from eros_dbt_runner.runner.verdict import Evidence, Verdict, judge
from eros_dbt_runner.signals import StopRequest, stop_on_signals
from eros_dbt_runner.texts import plain
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline, connect_when_free
from eros_dbt_runner.warehouse.whole_file import last_checkpoint
from eros_dbt_runner.writing import hold_database, keep_published

# What of the evidence stands in the report.
SHOWN = (
    "creator_errors", "messages_scheduled", "messages_left_out", "rejected_rows", "messages_kept", "learning",
    "rejection_reasons", "notes",
)  # fmt: skip


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
                **{name: getattr(verdict.evidence, name) for name in SHOWN},
                "warnings": [{"name": result.name, "message": result.message} for result in verdict.warnings],
                "problems": [vars(problem) for problem in verdict.problems],
            }
        )
        return document


class Observer(Protocol):
    """Who watches a run."""

    def on_event(self, event: NodeEvent) -> None:
        """Hear of a node that starts or ends."""

    def on_wait(self, holder: str) -> None:
        """Hear who holds the database while the run waits for it."""


def run(request: Request, observer: Observer) -> Report:
    """Run a schedule, now, in this process.

    Raises ErosError when the run cannot begin: BUSY, CANNOT_START, INTERRUPTED, TERMINATED.
    """
    with stop_on_signals() as stop:
        try:
            deadline = Deadline(request.wait)
            with hold_database(
                request.project, request.target, request.schedule.name, deadline, observer.on_wait
            ) as notes:
                return _Run(request, observer, stop, deadline, notes).report()
        except KeyboardInterrupt:
            code = ExitCode(128 + (stop.number or 2))
            raise ErosError("Stopped before the run began.", code) from None


class _Run:
    """A run that holds the lock; `notes` is what a person should know of the database file."""

    def __init__(
        self, request: Request, observer: Observer, stop: StopRequest, deadline: Deadline, notes: list[str]
    ) -> None:
        self._began = time.monotonic()
        _refuse_without_service()
        self._request, self._observer, self._stop = request, observer, stop
        self._deadline, self._notes = deadline, notes
        self._as_of = request.as_of or present(request)
        self._execution_date = clock.local_date(self._as_of, request.schedule.timezone)
        enter(request, environment(request, self._as_of))
        close_broken_off(request)
        self._folder = begin_folder(request, self._as_of)

    def report(self) -> Report:
        """Run dbt, and judge what came back."""
        verdict = self._verdict(self._invoke())
        request, folder = self._request, self._folder
        report = Report(
            schedule=request.schedule.name,
            as_of=self._as_of,
            execution_date=self._execution_date,
            invocation_id=folder.run_id(),
            seconds=time.monotonic() - self._began,
            verdict=verdict,
            database=str(request.project.database) if request.on_duckdb else request.target.name,
            inputs=request.inputs(),
        )
        ended = {"ended_at": clock.iso(clock.now()), "status": verdict.status}
        try:
            folder.record({**ended, "exit_code": int(verdict.exit_code), "report": report.as_json()})
            folder.pack_log()
        except OSError as error:  # the run is what it was, though its folder cannot tell
            why = f"{folder.path} cannot be written: {error.strerror}"
            told = (*verdict.warnings, NodeResult("run_folder", "file", "warn", why))
            report = replace(report, verdict=replace(verdict, warnings=told))
        return report

    def _verdict(self, invocation: Invocation) -> Verdict:
        self._stop.too_late = True
        request = self._request
        built = {
            result.name
            for result in invocation.results or ()
            if result.kind == "model" and result.status == "success"
        }
        verdict = judge(
            request.schedule.name,
            request.schedule.expects,
            invocation,
            self._evidence(invocation, built),
            self._stop.number,
        )
        is_good = verdict.exit_code is ExitCode.OK
        if invocation.success and not is_good:
            overrule(request, self._folder, verdict, self._observer.on_wait)
        if request.on_duckdb and "schedule_recommendations" in built and is_good:
            self._notes += keep_published(request.project)
        told = (NodeResult("database_file", "file", "warn", note) for note in self._notes)
        return replace(verdict, warnings=(*told, *verdict.warnings))

    def _invoke(self) -> Invocation:
        """What dbt answers; while another program has the file open, asks again until the deadline."""
        project, folder = self._request.project, self._folder
        while True:
            if self._request.on_duckdb:
                self._wait_for_file(project.database)
            invocation = dbt_invocation.invoke(
                arguments(self._request, log_path=folder.path),
                self._note,
                self._observer.on_event,
                [folder.path / run_folders.RESULTS, project.target_dir / run_folders.RESULTS],
                partial(last_checkpoint, project, self._notes),
            )
            if invocation.failure is not Failure.LOCKED or self._deadline.left() == 0:
                return invocation

    def _note(self, invocation_id: str) -> None:
        """Tell the folder the run's id; without room for it the run goes on."""
        with suppress(OSError):
            self._folder.record({"invocation_id": invocation_id})

    def _wait_for_file(self, database: Path) -> None:
        """Return once the file can be written; a file that is not there yet needs its folder only."""
        if database.exists():
            connect_when_free(database, self._deadline, self._observer.on_wait, read_only=False).close()
            return
        with writable(database.parent, what="made"):
            database.parent.mkdir(parents=True, exist_ok=True)

    def _evidence(self, invocation: Invocation, built: set[str]) -> Evidence | None:
        """What the run left in the database, after giving a run that broke off its row."""
        request = self._request
        is_there = not request.on_duckdb or request.project.database.exists()
        if invocation.failure is Failure.LOCKED or not is_there:
            return Evidence()
        # The closing hook may have been stopped too, by a second signal or by the database.
        may_be_open = not invocation.success
        wait, on_wait = Deadline(request.wait), self._observer.on_wait
        try:
            with connect(request.project, request.target, wait, on_wait, read_only=not may_be_open) as tables:
                if may_be_open:
                    reason = self._stopped_by() or invocation.error
                    fail(tables, request, self._folder, reason or "the run ended without closing its row")
                return read_evidence(tables, self._folder.run_id(), self._execution_date, built)
        except ErosError:  # somebody took the file as soon as dbt let go of it
            return None

    def _stopped_by(self) -> str:
        """What a run says that a signal stopped: that its time was up, if `eros serve` gave it one."""
        if not self._stop.number:
            return ""
        limit = os.environ.get(LIMIT_VARIABLE)
        seconds = (clock.now() - clock.parse_moment(self._folder.facts()["began_at"])).total_seconds()
        if limit and limit.isdigit() and seconds >= int(limit) - SECONDS_TO_BEGIN:
            return f"it took longer than {limit} s and was ended"
        return f"stopped by signal {self._stop.number}"


def _refuse_without_service() -> None:
    """A run whose service died before it began must not run: the next service asks for it again."""
    service = os.environ.get(SERVICE_VARIABLE)
    if service and service != str(os.getppid()):
        raise ErosError("The service that asked for this run is gone.", ExitCode.TERMINATED)
