"""From what came back to a verdict. Pure: no dbt, no database, no clock.

Three witnesses are heard: the results that dbt returned, the models that the schedule expects, and
the run's own row in etl_job_runs. A run is good only when all three say so.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.runner.dbt_invocation import Failure, Invocation, NodeResult

BREAKER = "circuit_breaker"
STOPS_TEST = "nothing_stops_publication"
LOG = "the log (`eros runs show ID` says where)"
GOOD = ("success", "pass", "warn", "no-op")
STATUS_FAILED = "FAILED"
# How macros/hooks/job_run.sql begins when tests that the schedule has to run were left out.
NOT_RUN = "expected but not run"
FINAL_STATUSES = ("SUCCESS", "COMPLETED_WITH_ERRORS", "COMPLETED_NO_WORK", STATUS_FAILED)


@dataclass(frozen=True)
class Evidence:
    """What the run left in the database."""

    job_run: Mapping[str, Any] | None = None
    creator_errors: Sequence[Mapping[str, Any]] = ()
    messages_scheduled: int | None = None
    rejected_rows: Mapping[str, int] = field(default_factory=dict)
    messages_kept: int = 0
    learning: Mapping[str, int] | None = None
    rejection_reasons: Sequence[Mapping[str, Any]] = ()
    findings: Mapping[str, str] = field(default_factory=dict)
    stops: Sequence[Mapping[str, Any]] = ()
    messages_left_out: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong, and what a person can do about it."""

    what: str
    why: str
    next_step: str


@dataclass(frozen=True)
class Verdict:
    """The outcome of a run. `counts` is per kind of node, then per status."""

    status: str
    exit_code: ExitCode
    problems: tuple[Problem, ...]
    warnings: tuple[NodeResult, ...]
    counts: Mapping[str, Mapping[str, int]]
    evidence: Evidence


def judge(
    schedule: str,
    expects: Sequence[str],
    invocation: Invocation,
    evidence: Evidence | None,
    signal: int | None = None,
) -> Verdict:
    """The verdict on one run of `schedule`.

    `evidence` is None when the run log cannot be read from here (another engine); `signal` is the
    signal that asked the run to stop, if one did.
    """
    seen = evidence or Evidence()
    invocation = _in_words(invocation, seen.findings)
    code, problems = _problems(schedule, expects, invocation, evidence, signal)
    results = invocation.results or ()
    if code is not ExitCode.OK:
        status = STATUS_FAILED
    else:
        status = seen.job_run["job_status"] if seen.job_run else "SUCCESS"
    return Verdict(
        status=status,
        exit_code=code,
        problems=tuple(problems),
        warnings=tuple(result for result in results if result.status == "warn"),
        counts=count(results),
        evidence=seen,
    )


def _in_words(invocation: Invocation, findings: Mapping[str, str]) -> Invocation:
    """The invocation with what the run log says of each node, where dbt only counts rows."""
    if invocation.results is None:
        return invocation
    results = [
        replace(result, message=findings.get(result.name) or _without_words(result))
        for result in invocation.results
    ]
    return replace(invocation, results=tuple(results))


def _without_words(result: NodeResult) -> str:
    """What dbt says; of a test whose rows nobody could read, how many they are."""
    if not result.message.startswith("Got "):
        return result.message
    rows = "1 row" if result.failures == 1 else f"{result.failures} rows"
    return f"{rows} found by the test {result.name.replace('_', ' ')}"


def count(results: Sequence[NodeResult]) -> dict[str, dict[str, int]]:
    """How many nodes of each kind ended how: {'model': {'success': 12}, …}. Hooks are `operation`."""
    kinds: dict[str, Counter[str]] = {}
    for result in results:
        kinds.setdefault(result.kind, Counter())[result.status] += 1
    return {kind: dict(statuses) for kind, statuses in sorted(kinds.items())}


def _problems(
    schedule: str,
    expects: Sequence[str],
    invocation: Invocation,
    evidence: Evidence | None,
    signal: int | None,
) -> tuple[ExitCode, list[Problem]]:
    """The exit code and the problems behind it, the graver question first."""
    again = f"eros run {schedule}"
    if signal is not None and not invocation.success:
        return _stopped(signal, again)
    if invocation.results is None:
        row = (evidence.job_run if evidence else None) or {}
        if str(row.get("error_message")).startswith(NOT_RUN):  # the closing hook ended dbt with it
            return _run_log(evidence)
        return _no_results(invocation, again)
    nodes = [result for result in invocation.results if result.kind != "operation"]
    if not nodes and invocation.success:
        problem = Problem(
            "no node ran",
            f"the selector of schedule {schedule} matches nothing",
            "look at selectors.yml and schedules.yml; `dbt list --selector NAME` shows a selection",
        )
        return ExitCode.NOTHING_RAN, [problem]
    failed = [_failed(result, again) for result in invocation.results if _is_bad(result)]
    stops = evidence.stops if evidence else ()
    if failed or stops or not invocation.success:
        if _is_breaker_open(nodes, stops):
            return ExitCode.BREAKER_OPEN, [
                _breaker(nodes, again),
                *map(_stop, _others(stops)),
                *_told(failed),
            ]
        if stops:
            return ExitCode.RUN_FAILED, [*map(_stop, stops), *_told(failed)]
        unexplained = Problem("the run", "dbt reports failure without a failed node", f"see {LOG}")
        return ExitCode.RUN_FAILED, failed or [unexplained]
    built = {node.name for node in nodes if node.kind == "model" and node.status == "success"}
    missing = [name for name in expects if name not in built]
    if missing:
        problem = Problem(
            f"expected but not run: {', '.join(missing)}",
            f"the selector of schedule {schedule} does not reach them",
            "make selectors.yml and `expects` in schedules.yml agree",
        )
        return ExitCode.NOTHING_RAN, [problem]
    return _run_log(evidence)


def _stopped(signal: int, again: str) -> tuple[ExitCode, list[Problem]]:
    code = ExitCode(128 + signal)
    name = "Ctrl-C" if code is ExitCode.INTERRUPTED else "SIGTERM"
    return code, [Problem("the run", f"stopped by {name}", f"repeat it: {again}")]


def _no_results(invocation: Invocation, again: str) -> tuple[ExitCode, list[Problem]]:
    """An invocation that returned no results failed, whatever target/ holds."""
    why = invocation.error or "dbt returned no results and no error"
    if invocation.failure is Failure.PROJECT:
        step = f"mend it and repeat: {again}"
        return ExitCode.CANNOT_START, [Problem("dbt could not begin", why, step)]
    if invocation.failure is Failure.LOCKED:
        step = f"close that program, or wait, and repeat: {again}"
        return ExitCode.BUSY, [Problem("the database is in use", why, step)]
    if invocation.failure is None and invocation.success:
        return ExitCode.NOTHING_RAN, [Problem("nothing ran", why, f"see {LOG}")]
    return ExitCode.RUN_FAILED, [Problem("dbt broke off", why, f"see {LOG}, then repeat: {again}")]


def _is_bad(result: NodeResult) -> bool:
    """Whether a result of its own accord spoils the run; a skipped one is the victim of another."""
    return result.status not in (*GOOD, "skipped")


def _failed(result: NodeResult, again: str) -> Problem:
    kind = "hook" if result.kind == "operation" else result.kind.replace("_", " ")
    why = result.message or result.status
    return Problem(f"{kind} {result.name}", why, f"see {LOG}; after mending: {again}")


def _is_breaker_open(nodes: Sequence[NodeResult], stops: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the breaker's test failed, or publication was stopped by the breaker where no test ran."""
    failed = any(result.name == BREAKER and _is_bad(result) for result in nodes)
    return failed or any(stop["stop_name"] == BREAKER for stop in stops)


def _others(stops: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [stop for stop in stops if stop["stop_name"] != BREAKER]


def _stop(stop: Mapping[str, Any]) -> Problem:
    """A row of publication_stops."""
    return Problem("nothing was published", stop["reason"], stop["next_step"])


def _breaker(nodes: Sequence[NodeResult], again: str) -> Problem:
    skipped = sum(node.status == "skipped" for node in nodes)
    return Problem(
        "circuit breaker open",
        f"too many creators failed their check; nothing was published ({skipped} nodes skipped)",
        f"mend the creators listed, then: {again}",
    )


def _told(problems: Sequence[Problem]) -> list[Problem]:
    """The problems without the tests that say once more that publication is stopped."""
    return [problem for problem in problems if not problem.what.endswith((f" {BREAKER}", f" {STOPS_TEST}"))]


def _run_log(evidence: Evidence | None) -> tuple[ExitCode, list[Problem]]:
    """What the run's own row says, for a run that dbt calls good."""
    if evidence is None:
        return ExitCode.OK, []
    row = evidence.job_run or {}
    status = row.get("job_status")
    if status in FINAL_STATUSES and status != STATUS_FAILED:
        return ExitCode.OK, []
    if status == STATUS_FAILED and str(row["error_message"]).startswith(NOT_RUN):
        step = "give the tests the schedule's tag, and the selector in selectors.yml all that has it"
        return ExitCode.NOTHING_RAN, [Problem("tests", row["error_message"], step)]
    if status == STATUS_FAILED:
        why = row["error_message"] or "etl_job_runs says FAILED and gives no reason"
    elif row:
        why = f"dbt ended well but etl_job_runs still says {status}"
    else:
        why = "dbt ended well but left no row in etl_job_runs"
    return ExitCode.RUN_FAILED, [Problem("run log", why, f"see {LOG}")]
