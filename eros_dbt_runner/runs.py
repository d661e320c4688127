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

from eros_dbt_runner import clock, dbt_invocation, lock, run_folders, warehouse
from eros_dbt_runner.dbt_invocation import Failure, Invocation, NodeEvent, NodeResult
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.run_folders import RunFolder
from eros_dbt_runner.schedules import Schedule
from eros_dbt_runner.signals import StopRequest, stop_on_signals
from eros_dbt_runner.verdict import Evidence, Verdict, judge
from eros_dbt_runner.writing import hold_database, keep_published, last_checkpoint

TIB = 2**40
# The moment, in UTC, at which a schedule was due; `eros serve` tells its runs.
SLOT_VARIABLE = "EROS_SLOT"
SERVICE_VARIABLE = "EROS_SERVICE_PID"
# After how many seconds `eros serve` ends a run; it counts from a moment before the run's own beginning.
LIMIT_VARIABLE = "EROS_TIMEOUT_SECONDS"
SECONDS_TO_BEGIN = 10
RUN_VARIABLES = ("EROS_AS_OF", "EROS_SINCE", "EROS_JOB_NAME", "EROS_DATA_DIR")


@dataclass(frozen=True)
class Request:
    """A run that somebody asked for.

    `asks_for_target` tells whether `target` was named on the command line; `as_of` None means the
    moment at which the run begins; `wait` is in seconds.
    """

    project: Project
    schedule: Schedule
    target: Target
    asks_for_target: bool = False
    as_of: datetime | None = None
    since: date | None = None
    full_refresh: bool = False
    wait: float = 0.0

    @property
    def on_duckdb(self) -> bool:
        """Whether the target is a DuckDB file that this process can open itself."""
        return self.target.adapter == "duckdb"


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
        document: dict[str, Any] = warehouse.plain(
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


def environment(request: Request, as_of: datetime) -> dict[str, str]:
    """What a run tells dbt, beside its arguments.

    By environment and not by --vars, which would cost a full parse. EROS_DUCKDB_PATH is left as it
    is: dbt resolves it from the project folder as `Project` does, and another spelling of the same
    path would cost a full parse too. But where it is a link, DuckDB calls the catalogue by the name of
    the file behind it, and dbt has to know that name.
    """
    values = {
        "EROS_JOB_NAME": request.schedule.name,
        "EROS_AS_OF": clock.iso(as_of),
        "EROS_DATA_DIR": str(request.project.data_dir),
    }
    given = os.environ.get("EROS_DUCKDB_PATH")
    if given and Path(given).stem != request.project.database.stem:
        values["EROS_DUCKDB_PATH"] = str(request.project.database)
    if request.since:
        values["EROS_SINCE"] = request.since.isoformat()
    return values


def arguments(request: Request, command: str = "build", log_path: Path | None = None) -> list[str]:
    """The argument list for dbt. --target only if asked for: naming the default costs a full parse."""
    result = [command, "--selector", request.schedule.selector]
    result += ["--project-dir", str(request.project.directory)]
    result += ["--profiles-dir", str(request.project.profiles_dir)]
    result += ["--log-level", "none", "--log-level-file", "debug"]
    if log_path:
        result += ["--log-path", str(log_path)]
    if request.asks_for_target:
        result += ["--target", request.target.name]
    if command == "build":
        # Writing the manifest, twice, would cost a second; `invoke` writes the results.
        result += ["--no-write-json"]
        result += ["--full-refresh"] if request.full_refresh else []
    return result


def _present(request: Request) -> datetime:
    """The moment of a run that names none: now, or the end of the shipped sample where only that is there."""
    project = request.project
    if not (request.on_duckdb and project.is_sample) or warehouse.has_loaded_inputs(project.database):
        return clock.now()
    return clock.parse_moment(project.sample_as_of(), "sample_as_of")


def dry_run(request: Request) -> dict[str, Any]:
    """What `run` would hand to dbt and build; nothing runs, no lock is taken."""
    as_of = request.as_of or _present(request)
    given = environment(request, as_of)
    _enter(request, given)
    listing = [*arguments(request, "list"), "--output", "json", "--output-keys"]
    nodes, error = dbt_invocation.list_nodes([*listing, "name", "resource_type"])
    if error:
        raise ErosError(f"dbt could not list the nodes: {error}", ExitCode.CANNOT_START)
    kinds = sorted({node["resource_type"] for node in nodes})
    cost = {} if request.on_duckdb else {"cost": _cost(request)}
    return {
        **cost,
        "dry_run": True,
        "schedule": request.schedule.name,
        "as_of": clock.iso(as_of),
        "execution_date": clock.local_date(as_of, request.schedule.timezone).isoformat(),
        "arguments": ["dbt", *arguments(request)],
        "environment": {**given, "EROS_DUCKDB_PATH": str(request.project.database)},
        "inputs": request.project.inputs() if request.on_duckdb else "tables in the dataset",
        "nodes": {
            kind: sorted(node["name"] for node in nodes if node["resource_type"] == kind) for kind in kinds
        },
    }


def _cost(request: Request) -> dict[str, Any]:
    """What BigQuery's own dry run says that each query of the run would bill.

    The queries are those of models and tests. What a MERGE reads of its own table comes on top; a
    query over a table that is not there yet has an error instead of bytes.
    """
    compiled, error = dbt_invocation.compile_nodes(arguments(request, "compile"))
    if error:
        raise ErosError(f"dbt could not compile the queries: {error}", ExitCode.CANNOT_START)
    statements: list[dict[str, Any]] = []
    deadline = lock.Deadline(request.wait)
    with warehouse.connect(request.project, request.target, deadline, lock.tell_nobody) as tables:
        for name, sql in compiled:
            try:
                statements.append({"name": name, "bytes": tables.bytes_billed(sql), "error": None})
            except ErosError as refused:
                statements.append({"name": name, "bytes": None, "error": str(refused)})
    total = sum(statement["bytes"] or 0 for statement in statements)
    price = request.project.usd_per_tib
    return {
        "statements": statements,
        "bytes": total,
        "usd_per_tib": price,
        "usd": round(total / TIB * price, 6),
    }


def run(
    request: Request,
    on_event: Callable[[NodeEvent], None],
    on_wait: Callable[[str], None],
) -> Report:
    """Run a schedule, now, in this process.

    `on_event` hears of each node, `on_wait` of who holds the database while the run waits for it.
    Raises ErosError when the run cannot begin: BUSY, CANNOT_START, INTERRUPTED, TERMINATED.
    """
    with stop_on_signals() as stop:
        try:
            deadline = lock.Deadline(request.wait)
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
    deadline: lock.Deadline,
    on_event: Callable[[NodeEvent], None],
    on_wait: Callable[[str], None],
    stop: StopRequest,
) -> Report:
    began = time.monotonic()
    _refuse_without_service()
    as_of = request.as_of or _present(request)
    execution_date = clock.local_date(as_of, request.schedule.timezone)
    _enter(request, environment(request, as_of))
    _close_broken_off(request)
    folder = _begin_folder(request, as_of)
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
        _overrule(request, folder, verdict, on_wait)
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


def _refuse_without_service() -> None:
    """A run whose service died before it began must not run: the next service asks for it again."""
    service = os.environ.get(SERVICE_VARIABLE)
    if service and service != str(os.getppid()):
        raise ErosError("The service that asked for this run is gone.", ExitCode.TERMINATED)


def _begin_folder(request: Request, as_of: datetime) -> RunFolder:
    """The run's folder; folders past their time go."""
    try:
        run_folders.prune(request.project.runs_dir, request.project.keep_runs_days)
        run_folders.adopt(request.project.runs_dir, request.project.target_dir)
        folder = RunFolder.create(request.project.runs_dir, request.schedule.name)
        folder.record(_beginning(request, as_of))
    except OSError as error:
        raise ErosError(
            f"{request.project.runs_dir} cannot be written: {error.strerror}.", ExitCode.CANNOT_START
        ) from None
    return folder


def tidy_up(request: Request, wait: float, on_wait: Callable[[str], None]) -> list[str]:
    """Between runs: a whole file, and a row for each run of this project that was killed.

    Gives what a person should know. `wait` is in seconds. Never raises: where this fails, because a run
    is in progress or the file is torn and there is no copy, the next run does it or tells.
    """
    try:
        with hold_database(
            request.project, request.target, "tidying up", lock.Deadline(wait), on_wait
        ) as notes:
            _close_broken_off(request)
            return notes
    except ErosError as error:
        return [str(error)]


def _close_broken_off(request: Request) -> None:
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
        with warehouse.connect(
            request.project, request.target, lock.Deadline(0), lock.tell_nobody, read_only=False
        ) as tables:
            for folder in broken:
                # A record of before databases were told apart: it is of this one if the run log knows it.
                if "database" not in folder.facts() and not tables.job_runs_like(folder.run_id()):
                    continue
                with suppress(KeyError, TypeError, ValueError, AttributeError):  # nobody can read its record
                    status = _fail(tables, request, folder, "the run was killed")
                    folder.record({"status": status, "ended_at": clock.iso(clock.now())})
    except (ErosError, OSError):  # the next run does it
        pass


def _overrule(request: Request, folder: RunFolder, verdict: Verdict, on_wait: Callable[[str], None]) -> None:
    """The row of a run that dbt calls good, and that did not do what the schedule expects."""
    reason = "; ".join(f"{problem.what}: {problem.why}" for problem in verdict.problems)
    with (
        suppress(ErosError),
        warehouse.connect(
            request.project, request.target, lock.Deadline(request.wait), on_wait, read_only=False
        ) as tables,
    ):
        _fail(tables, request, folder, reason, overrule=True)


def _fail(
    tables: warehouse.Warehouse, request: Request, folder: RunFolder, reason: str, *, overrule: bool = False
) -> str:
    """A FAILED row for the run of `folder`, if it has none that says how it ended; gives the row's status."""
    facts = folder.facts()
    return tables.fail_job_run(
        job_id=folder.run_id(),
        job_name=facts["schedule"],
        began=clock.parse_moment(facts["began_at"]),
        execution_date=clock.local_date(clock.parse_moment(facts["as_of"]), request.schedule.timezone),
        reason=reason,
        overrule=overrule,
    )


def _enter(request: Request, given: dict[str, str]) -> None:
    """Make this process the run's: its environment and, for relative paths, the project folder."""
    for name in RUN_VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(given)
    os.chdir(request.project.directory)


def _invoke(
    request: Request,
    folder: RunFolder,
    notes: list[str],
    deadline: lock.Deadline,
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


def _wait_for_file(database: Path, deadline: lock.Deadline, on_wait: Callable[[str], None]) -> None:
    """Return once the file can be written; a file that is not there yet needs its folder only."""
    if database.exists():
        lock.connect_when_free(database, deadline, on_wait, read_only=False).close()
        return
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ErosError(
            f"{database.parent} cannot be made: {error.strerror}.", ExitCode.CANNOT_START
        ) from None


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
        with warehouse.connect(
            request.project, request.target, lock.Deadline(request.wait), on_wait, read_only=not may_be_open
        ) as tables:
            if may_be_open:
                reason = _stopped_by(stop.number, folder) if stop.number else invocation.error
                _fail(tables, request, folder, reason or "the run ended without closing its row")
            return tables.evidence(folder.run_id(), execution_date, built)
    except ErosError:  # somebody took the file as soon as dbt let go of it
        return None
