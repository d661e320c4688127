"""dbt's traps, each sprung with the real dbt on a real DuckDB file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import duckdb
import pytest
from filelock import FileLock

from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.runner.request import LIMIT_VARIABLE
from eros_dbt_runner.signals import stop_on_signals
from tests.python.harness import ROOT, run_arguments

# A statement that would run for hours; interrupting it must not take seconds.
ENDLESS = (
    "select count(*) as n from range(1000000) as a cross join range(100000000) as b where a.range <> b.range"
)

HOLD_OPEN = """
import sys, time, duckdb
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "read")
print("open", flush=True)
time.sleep(float(sys.argv[3]))
"""


def holding(project, seconds, mode="write"):
    """Another program that has the database open for so many seconds."""
    command = [sys.executable, "-c", HOLD_OPEN, str(project.database), mode, str(seconds)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "open\n"
    return process


def run_rows(project):
    return project.query("select job_id, job_name, job_status, error_message from etl_job_runs order by all")


def wait_for_log(project, text, timeout=60.0):
    """Wait until dbt has logged `text`: what it does now, where no progress line tells."""
    end = time.monotonic() + timeout
    while text not in project.log:
        assert time.monotonic() < end, f"{text!r} was never logged"
        time.sleep(0.01)


# ---- a selector that matches nothing succeeds ----


def test_a_selector_that_matches_nothing_is_told_from_success(built):
    built.edit("selectors.yml", "value: sweep", "value: nosuch")
    assert "Nothing to do" in built.dbt("build", "--selector", "sweep").stdout  # exit 0: the trap
    result = built.run("sweep", code=ExitCode.NOTHING_RAN)
    assert result.json["status"] == "FAILED"
    assert "matches nothing" in result.json["problems"][0]["why"]


def test_a_selector_that_lost_an_expected_model_is_told_from_success(built):
    built.edit("schedules.yml", "expects: [caption_lock_summary]", "expects: [caption_lock_summary, lost]")
    result = built.run("sweep", code=ExitCode.NOTHING_RAN)
    assert result.json["problems"][0]["what"] == "expected but not run: lost"
    assert result.json["nodes"]["model"] == {"success": 1}


# ---- a parse error leaves the results of the previous run in place ----


def test_a_parse_error_is_not_judged_by_the_results_of_the_run_before(built):
    built.run("sweep")
    stale = (built.directory / "target" / "run_results.json").read_text(encoding="utf-8")
    model = built.directory / "models" / "operations" / "caption_lock_summary.sql"
    model.write_text("select {{ nonsense(", encoding="utf-8")
    result = built.run("sweep", code=ExitCode.CANNOT_START)
    assert (built.directory / "target" / "run_results.json").read_text(encoding="utf-8") == stale
    assert {entry["status"] for entry in json.loads(stale)["results"]} <= {"success", "pass"}
    assert result.json["status"] == "FAILED"
    assert "caption_lock_summary" in result.json["problems"][0]["why"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("selectors.yml", "name: sweep", "name: other"),
        ("profiles.yml", "type: duckdb", "type: nosuchdb"),
        ("dbt_project.yml", "profile: eros", "profile: other"),
    ],
    ids=["no such selector", "no such adapter", "no such profile"],
)
def test_a_project_that_cannot_be_read_is_told_in_a_sentence(built, file, old, new):
    built.edit(file, old, new)
    result = built.eros(*run_arguments("sweep"), code=ExitCode.CANNOT_START)
    assert "Traceback" not in result.stdout + result.stderr
    assert "next: mend it and repeat: eros run sweep" in result.stdout


# ---- a lock conflict, too, comes without results ----


def test_a_run_says_who_has_the_database_open(built):
    other = holding(built, 60)
    try:
        result = built.run("sweep", "--wait", "0.5", code=ExitCode.BUSY)
    finally:
        other.kill()
        other.wait()
    assert result.json["status"] == "NOT_RUN"
    assert f"process {other.pid}" in result.json["error"]
    assert "waiting 0.5 s" in result.json["error"]
    assert "caption_lock_summary" not in result.stderr


@pytest.mark.parametrize("mode", ["write", "read"])
def test_a_run_waits_for_a_program_that_closes_the_database_in_time(built, mode):
    other = holding(built, 3, mode)
    result = built.run("sweep", "--wait", "60")
    assert other.wait() == 0
    assert "waiting: " in result.stderr
    assert f"process {other.pid}" in result.stderr


def test_a_program_that_takes_the_database_just_before_dbt_does_is_waited_for(built):
    """The lock error then comes from dbt, as an exception without results."""
    script = (
        "import sys; from eros_dbt_runner.runner.dbt_invocation import invoke;"
        "i = invoke(sys.argv[1:], print, print, []); print(i.failure, i.results, i.success)"
    )
    arguments = ["build", "--selector", "sweep", "--log-level", "none", "--project-dir", "."]
    other = holding(built, 60)
    try:
        answer = subprocess.run(
            [sys.executable, "-c", script, *arguments, "--profiles-dir", "."],
            cwd=built.directory,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
    finally:
        other.kill()
        other.wait()
    assert answer.stdout.splitlines()[-1] == "Failure.LOCKED None False"


def test_a_run_says_which_run_it_waited_for(built):
    lock_file = built.database.with_name(built.database.name + ".lock")
    side_file = lock_file.with_name(lock_file.name + ".json")
    with FileLock(lock_file):
        side_file.write_text('{"pid": 4711, "schedule": "daily", "since": "2025-06-15T10:05:00Z"}')
        result = built.run("sweep", "--wait", "0.3", code=ExitCode.BUSY)
    assert "daily (process 4711) since 2025-06-15T10:05:00Z" in result.json["error"]
    assert "waiting: another run is in progress, daily" in result.stderr


@pytest.mark.slow
def test_the_lock_of_a_killed_run_holds_nobody_up(built):
    child = built.start(*run_arguments("daily", "2025-06-16T12:00:00Z"))
    child.wait_for("caption_bank_checked")
    child.kill()
    assert child.wait().code == -signal.SIGKILL
    result = built.run("daily", "--wait", "0", as_of="2025-06-16T12:00:00Z")
    assert result.json["status"] == "SUCCESS"
    statuses = [(row["job_name"], row["job_status"]) for row in run_rows(built)]
    assert statuses.count(("daily", "FAILED")) == 1
    assert not [status for _name, status in statuses if status == "RUNNING"]


# ---- hooks appear as result nodes ----


def test_a_failing_hook_fails_the_run_and_is_called_a_hook(built):
    built.edit(
        "macros/hooks/job_run.sql",
        "{% macro close_dead_runs() -%}\n",
        "{% macro close_dead_runs() -%}\n    nonsense;",
    )
    result = built.run("sweep", code=None)
    assert result.code in (ExitCode.RUN_FAILED, ExitCode.CANNOT_START)
    assert result.json["status"] == "FAILED"
    assert "nonsense" in result.json["problems"][0]["why"]
    assert "still ending" not in result.stderr  # dbt's own connection is not waited for


def test_hooks_do_not_count_as_models(built):
    nodes = built.run("sweep").json["nodes"]
    assert nodes["model"] == {"success": 1}
    assert nodes["operation"]["success"] >= 2


# ---- SIGTERM kills dbt with no results, unless a handler turns it into a clean cancel ----


@pytest.mark.parametrize(
    ("number", "code", "env", "why"),
    [
        (signal.SIGTERM, ExitCode.TERMINATED, {}, "stopped by signal 15"),
        (signal.SIGINT, ExitCode.INTERRUPTED, {}, "stopped by signal 2"),
        (signal.SIGTERM, ExitCode.TERMINATED, {LIMIT_VARIABLE: "600"}, "stopped by signal 15"),
        (signal.SIGTERM, ExitCode.TERMINATED, {LIMIT_VARIABLE: "1"}, "it took longer than 1 s and was ended"),
    ],
    ids=["SIGTERM", "SIGINT", "before its time was up", "its time was up"],
)
def test_a_signal_cancels_a_query_and_closes_the_run(built, number, code, env, why):
    model = built.directory / "models" / "operations" / "caption_lock_summary.sql"
    original = model.read_text(encoding="utf-8")
    model.write_text("{{ config(tags=['sweep'], contract={'enforced': false}) }}" + ENDLESS, encoding="utf-8")
    child = built.start(*run_arguments("sweep"), "--json", env=env)
    wait_for_log(built, "cross join range")
    child.kill(number, after=0.5)
    sent = time.monotonic()
    result = child.wait(30)
    assert time.monotonic() - sent < 15
    assert result.code == code, str(result)
    assert result.json["status"] == "FAILED"
    [row] = [row for row in run_rows(built) if row["job_id"] == result.json["invocation_id"]]
    assert row["job_status"] == "FAILED"
    assert row["error_message"] == why
    assert not list(built.directory.glob("*.lock.json"))
    model.write_text(original, encoding="utf-8")
    assert built.run("sweep", "--wait", "0").json["status"] == "SUCCESS"


def test_a_signal_during_a_hook_ends_the_run_after_that_hook(built):
    """Hooks run in the main thread, where a signal is seen when the query has ended."""
    built.edit(
        "macros/hooks/job_run.sql",
        "{% macro close_dead_runs() -%}\n",
        "{% macro close_dead_runs() -%}\n    select count(*) from range(3000000000);",
    )
    child = built.start(*run_arguments("sweep"), "--json")
    wait_for_log(built, "range(3000000000)")
    child.kill(signal.SIGTERM)
    result = child.wait(60)
    assert result.code == ExitCode.TERMINATED, str(result)
    assert not [row for row in run_rows(built) if row["job_status"] == "RUNNING"]


@pytest.mark.slow
def test_several_signals_are_one(built):
    """`timeout` and service managers signal a process and then its group."""
    child = built.start(*run_arguments("performance"), "--full-refresh", "--json")
    child.wait_for("caption_bank_checked")
    for _ in range(3):
        child.kill(signal.SIGTERM)
    result = child.wait(60)
    assert result.code == ExitCode.TERMINATED, str(result)
    assert not [row for row in run_rows(built) if row["job_status"] == "RUNNING"], str(result)


def test_a_signal_while_waiting_ends_the_wait(built):
    other = holding(built, 60)
    try:
        child = built.start(*run_arguments("sweep"), "--json")
        child.wait_for("waiting: ")
        child.kill(signal.SIGTERM)
        result = child.wait(10)
    finally:
        other.kill()
        other.wait()
    assert result.code == ExitCode.TERMINATED
    assert result.json["error"] == "Stopped before the run began."


def test_a_signal_that_comes_when_all_is_done_is_only_noted():
    with stop_on_signals() as stop:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert stop.number == signal.SIGTERM
    with stop_on_signals() as stop:
        stop.too_late = True
        os.kill(os.getpid(), signal.SIGINT)
    assert stop.number == signal.SIGINT


# ---- keep_open ----

OUTLIVES_ITS_RUN = """
import sys, time
from eros_dbt_runner.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    print("ended", end.code, flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_a_process_that_outlives_its_run_does_not_keep_the_database(built):
    process = subprocess.Popen(
        [sys.executable, "-c", OUTLIVES_ITS_RUN, *run_arguments("sweep"), "--json"],
        cwd=built.directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        while not (line := process.stdout.readline()).startswith("ended"):
            assert line, "the run never ended"
        assert line == "ended 0\n"
        built.execute("select 1")  # opens the file for writing
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_nobody_can_take_the_database_in_mid_run(built):
    """With `keep_open: false` dbt-duckdb lets go of the file whenever no node holds it."""
    child = built.start(*run_arguments("performance"), "--full-refresh", "--json")
    child.wait_for("caption_bank_checked")
    while "caption_beliefs" not in child.written():
        with pytest.raises(duckdb.IOException, match="Could not set lock"):
            duckdb.connect(str(built.database), read_only=True).close()
        time.sleep(0.003)
    assert child.wait().code == 0


# ---- what a scheduled run costs ----


@pytest.mark.slow
def test_no_run_pays_for_a_full_parse(built):
    """Neither another schedule, another as_of, a backfill nor plain dbt in between."""
    for number, step in enumerate(
        [
            lambda: built.run("sweep"),
            lambda: built.dbt("build", "--select", "caption_lock_summary"),
            lambda: built.run("sweep", as_of="2025-06-15T13:00:00Z"),
            lambda: built.run("performance", "--since", "2025-06-01"),
            lambda: built.run("sweep", as_of=None, env={"EROS_DATA_DIR": "data"}),
        ]
    ):
        built.forget_logs()
        step()
        assert "no changes found, skipping parsing" in built.log, f"step {number}"
        assert "Unable to do partial parsing" not in built.log, f"step {number}"


# ---- a table or view is swapped in within the statement that builds it ----


@pytest.mark.parametrize(("model", "kind"), [("stg_captions", "view"), ("captions_checked", "table")])
def test_what_had_another_kind_or_was_left_over_makes_way_with_the_build(built, model, kind):
    other = {"view": "table", "table": "view"}[kind]
    file = next((built.directory / "models").rglob(f"{model}.sql"))
    sql = file.read_text()
    built.execute(f"create table {model}__dbt_tmp as select 1 as n")
    built.execute(f"drop {kind} {model}; create {other} {model} as select 7 as n")

    file.write_text(sql.replace("select * from final", "select final.*, error('no') as n from final"))
    built.dbt("run", "--select", model, code=1)
    assert built.table(model) == [{"n": 7}]  # a build that fails takes nothing away

    file.write_text(sql)
    built.dbt("run", "--select", model)
    of_model = "select table_name, table_type from information_schema.tables where table_name like ?"
    assert built.query(of_model, [f"{model}%"]) == [
        {"table_name": model, "table_type": {"view": "VIEW", "table": "BASE TABLE"}[kind]}
    ]
    assert len(built.table(model)) > 1
