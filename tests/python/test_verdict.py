"""What a run is called, from what dbt returned, what was expected and what the run log says."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.runner.dbt_invocation import Failure, Invocation, NodeResult
from eros_dbt_runner.runner.verdict import Evidence, Problem, count, judge

EXPECTS = ("creator_checks", "schedule_recommendations")


def node(name, status="success", kind="model", message=""):
    return NodeResult(name=name, kind=kind, status=status, message=message)


HOOKS = (node("eros-on-run-start-0", kind="operation"), node("eros-on-run-end-0", kind="operation"))
MODELS = (node("creator_checks"), node("schedule_recommendations"))


def returned(*results, success=True):
    return Invocation("run-1", success, tuple(results))


def broke_off(failure, error="it broke"):
    return Invocation("run-1", False, None, failure, error)


def log(status, message=None):
    return Evidence(job_run={"job_status": status, "error_message": message})


def verdict(invocation, evidence=None, signal_number=None):
    return judge("daily", EXPECTS, invocation, evidence or log("SUCCESS"), signal_number)


@pytest.mark.parametrize("status", ["SUCCESS", "COMPLETED_WITH_ERRORS", "COMPLETED_NO_WORK"])
def test_a_good_run_is_called_what_its_row_in_the_run_log_says(status):
    result = verdict(returned(*HOOKS, *MODELS), log(status))
    assert (result.status, result.exit_code, result.problems) == (status, ExitCode.OK, ())


def test_tests_that_were_left_out_are_not_what_the_schedule_expects():
    """The closing hook knows the tests with the schedule's tag and finds those that did not run."""
    result = verdict(returned(*HOOKS, *MODELS), log("FAILED", "expected but not run: circuit_breaker"))
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.NOTHING_RAN)
    assert "circuit_breaker" in result.problems[0].why


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        (Evidence(), "left no row"),
        (log("RUNNING"), "still says RUNNING"),
        (log(None), "still says None"),
        (log("FAILED", "creators: 5 failed"), "creators: 5 failed"),
        (log("FAILED"), "gives no reason"),
    ],
)
def test_good_results_do_not_outweigh_a_bad_run_log(evidence, why):
    result = verdict(returned(*HOOKS, *MODELS), evidence)
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.RUN_FAILED)
    assert why in result.problems[0].why


def test_a_good_run_log_does_not_outweigh_bad_results():
    bad = node("schedule_recommendations", "error", message="Binder Error")
    result = verdict(returned(*HOOKS, MODELS[0], bad, success=False))
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.RUN_FAILED)
    assert result.problems[0].what == "model schedule_recommendations"
    assert result.problems[0].why == "Binder Error"


def test_where_the_run_log_cannot_be_read_the_results_decide():
    assert judge("daily", EXPECTS, returned(*MODELS), None).status == "SUCCESS"


@pytest.mark.parametrize("results", [(), HOOKS], ids=["no result", "hooks only"])
def test_a_selector_that_matches_nothing_is_no_success(results):
    result = verdict(returned(*results))
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.NOTHING_RAN)
    assert "matches nothing" in result.problems[0].why


@pytest.mark.parametrize(
    "results",
    [
        (MODELS[0],),
        (*MODELS[:1], node("schedule_recommendations", kind="test")),
        (*MODELS[:1], node("schedule_recommendations", kind="operation")),
    ],
    ids=["missing", "a test of that name", "a hook of that name"],
)
def test_an_expected_model_that_did_not_run_is_no_success(results):
    result = verdict(returned(*results))
    assert result.exit_code is ExitCode.NOTHING_RAN
    assert "schedule_recommendations" in result.problems[0].what


def test_an_expected_model_that_was_skipped_is_no_success():
    result = verdict(returned(MODELS[0], node("schedule_recommendations", "skipped")))
    assert result.exit_code is ExitCode.NOTHING_RAN


@pytest.mark.parametrize("status", ["error", "fail", "runtime error", "partial success", "something new"])
def test_any_status_that_is_not_known_to_be_good_fails_the_run(status):
    result = verdict(returned(*MODELS, node("a_test", status, kind="test"), success=False))
    assert result.exit_code is ExitCode.RUN_FAILED
    assert result.problems[0].what == "test a_test"


def test_a_failed_hook_fails_the_run_although_every_model_succeeded():
    hook = node("eros-on-run-end-0", "error", kind="operation", message="Catalog Error")
    result = verdict(returned(*MODELS, hook, success=False))
    assert result.exit_code is ExitCode.RUN_FAILED
    assert result.problems[0].what == "hook eros-on-run-end-0"


def test_failure_without_a_failed_node_is_failure():
    assert verdict(returned(*MODELS, success=False)).exit_code is ExitCode.RUN_FAILED


def test_the_open_breaker_has_its_own_code_and_says_that_nothing_was_published():
    results = (
        MODELS[0],
        node("circuit_breaker", "fail", kind="test", message="Got 5 results"),
        node("schedule_recommendations", "skipped"),
    )
    result = verdict(returned(*results, success=False), log("FAILED"))
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.BREAKER_OPEN)
    assert [problem.what for problem in result.problems] == ["circuit breaker open"]
    assert "nothing was published (1 nodes skipped)" in result.problems[0].why


STOP = {"stop_name": "circuit_breaker", "reason": "5 creators fail", "next_step": "mend them"}
OTHER_STOP = {"stop_name": "no_page", "reason": "a row has no page", "next_step": "write it"}


def test_a_stop_is_told_whether_or_not_a_test_ran():
    good = log("FAILED")
    for results in ((*MODELS,), (*MODELS, node("nothing_stops_publication", "fail", kind="test"))):
        stopped = replace(good, stops=[OTHER_STOP])
        result = verdict(returned(*results, success=len(results) == 2), stopped)
        assert (result.status, result.exit_code) == ("FAILED", ExitCode.RUN_FAILED)
        assert result.problems == (Problem("nothing was published", "a row has no page", "write it"),)


def test_the_breaker_is_open_when_publication_was_stopped_by_it_and_no_test_ran():
    result = verdict(returned(*MODELS), replace(log("FAILED"), stops=[STOP, OTHER_STOP]))
    assert (result.status, result.exit_code) == ("FAILED", ExitCode.BREAKER_OPEN)
    assert [problem.what for problem in result.problems] == ["circuit breaker open", "nothing was published"]


def test_what_a_test_found_is_told_in_words():
    seen = replace(log("FAILED"), findings={"a_test": "7 rows have no page", "other": "12 are late"})
    results = (
        *MODELS,
        node("a_test", "fail", kind="test", message="Got 7 results"),
        node("other", "warn", kind="test", message="Got 12 results, configured to warn if != 0"),
    )
    result = verdict(returned(*results, success=False), seen)
    assert result.problems[0].why == "7 rows have no page"
    assert [warning.message for warning in result.warnings] == ["12 are late"]
    unread = verdict(returned(replace(results[2], failures=7), success=False))
    assert unread.problems[0].why == "7 rows found by the test a test"


def test_beside_the_open_breaker_other_failures_are_told_too():
    results = (node("circuit_breaker", "fail", kind="test"), node("other", "error"))
    problems = verdict(returned(*results, success=False)).problems
    assert [problem.what for problem in problems] == ["circuit breaker open", "model other"]


def test_a_breaker_that_only_warns_or_passes_is_closed():
    for status in ("pass", "warn"):
        breaker = node("circuit_breaker", status, kind="test")
        assert verdict(returned(*MODELS, breaker)).exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Failure.PROJECT, ExitCode.CANNOT_START),
        (Failure.LOCKED, ExitCode.BUSY),
        (Failure.OTHER, ExitCode.RUN_FAILED),
        (Failure.INTERRUPTED, ExitCode.RUN_FAILED),
    ],
)
def test_no_results_is_failure_whatever_the_run_log_says(failure, code):
    result = verdict(broke_off(failure, "Compilation Error in model x"))
    assert (result.status, result.exit_code) == ("FAILED", code)
    assert result.problems[0].why == "Compilation Error in model x"


def test_no_results_and_no_error_is_not_success():
    assert verdict(Invocation("run-1", True, None)).exit_code is ExitCode.NOTHING_RAN
    assert verdict(Invocation("run-1", False, None)).exit_code is ExitCode.RUN_FAILED


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, ExitCode.INTERRUPTED), (signal.SIGTERM, ExitCode.TERMINATED)],
)
@pytest.mark.parametrize(
    "invocation",
    [broke_off(Failure.INTERRUPTED), broke_off(Failure.OTHER), returned(*MODELS, success=False)],
    ids=["cancelled", "another error on the way", "cancelled with results"],
)
def test_a_stopped_run_has_the_code_of_its_signal(number, code, invocation):
    result = verdict(invocation, log("FAILED"), number)
    assert (result.status, result.exit_code) == ("FAILED", code)


def test_a_signal_that_came_too_late_to_stop_a_good_run_changes_nothing():
    result = verdict(returned(*MODELS), log("SUCCESS"), signal.SIGTERM)
    assert (result.status, result.exit_code) == ("SUCCESS", ExitCode.OK)


def test_warnings_are_told_and_fail_nothing():
    warning = node("rejected_rows_few", "warn", kind="test", message="3 rows have no page")
    result = verdict(returned(*MODELS, warning))
    assert (result.exit_code, result.warnings) == (ExitCode.OK, (warning,))


def test_hooks_are_counted_apart_from_models():
    assert count([*HOOKS, *MODELS, node("m", "error")]) == {
        "model": {"success": 2, "error": 1},
        "operation": {"success": 2},
    }


def test_every_problem_names_a_next_step():
    for invocation in (returned(), returned(*MODELS[:1]), *map(broke_off, Failure)):
        for number in (None, signal.SIGTERM):
            assert all(problem.next_step for problem in verdict(invocation, None, number).problems)
