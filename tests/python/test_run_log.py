"""`eros runs` and `eros runs show`."""

import itertools
import shlex
from datetime import datetime, timezone

import duckdb
import pytest

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project as Found
from eros_dbt_runner.runner import records
from eros_dbt_runner.runner.request import SLOT_VARIABLE, Request
from eros_dbt_runner.schedules import find_schedule
from tests.python.harness import AS_OF


def test_runs_are_listed_the_newest_first(built):
    built.run("sweep")
    rows = built.eros("runs", "--json").json
    assert [row["job_name"] for row in rows] == ["sweep", "daily", "performance"]
    assert [row["job_name"] for row in built.eros("runs", "--job", "daily", "--json").json] == ["daily"]
    assert len(built.eros("runs", "--limit", "1", "--json").json) == 1
    shown = built.eros("runs").stdout
    assert rows[0]["job_id"][:8] in shown
    assert "SUCCESS" in shown


def test_a_good_run_has_nothing_to_repeat(built):
    job_id = built.run("sweep").json["invocation_id"]
    story = built.eros("runs", "show", job_id[:8], "--json").json
    assert story["job_id"] == job_id
    assert story["failed"] == []
    assert story["repeat"] is None
    assert story["log"].endswith("dbt.log.gz")


@pytest.mark.slow
def test_a_failed_run_says_what_and_how_to_repeat_just_that(built):
    built.edit("models/scheduling/schedule_recommendations.sql", "from placed", "from nowhere")
    job_id = built.run("daily", as_of=AS_OF, code=ExitCode.RUN_FAILED).json["invocation_id"]
    story = built.eros("runs", "show", job_id, "--json").json
    assert [failure["node"] for failure in story["failed"]] == ["schedule_recommendations"]
    assert "nowhere" in story["failed"][0]["message"]
    assert "repeat just that" in built.eros("runs", "show", job_id).stdout
    built.edit("models/scheduling/schedule_recommendations.sql", "from nowhere", "from placed")
    *variables, program, retry, state, folder = shlex.split(story["repeat"])
    assert (program, retry) == ("dbt", "retry")
    env = dict(variable.split("=", 1) for variable in variables)
    assert env == {"EROS_JOB_NAME": "daily", "EROS_AS_OF": clock.iso(AS_OF)}
    built.dbt(retry, state, folder, env=env)
    newest = built.eros("runs", "--limit", "1", "--json").json[0]
    assert (newest["job_name"], newest["job_status"]) == ("daily", "SUCCESS")


@pytest.mark.slow
def test_a_failed_run_of_the_present_is_repeated_as_of_then(built):
    """Not as of its own moment: hours have passed since, and no message may go out at one of them."""
    built.make_sample(end=datetime.now(timezone.utc))
    built.run("performance", as_of=None)
    built.edit("models/scheduling/schedule_recommendations.sql", "from placed", "from nowhere")
    job_id = built.run("daily", as_of=None, code=ExitCode.RUN_FAILED).json["invocation_id"]
    assert built.eros("runs", "show", job_id, "--json").json["repeat"] == "eros run daily"


def repeated(built, job_id):
    """Do what `eros runs show` says, word for word; gives the newest run's row."""
    told = built.eros("runs", "show", job_id, "--json").json["repeat"]
    *variables, program = itertools.takewhile(
        lambda word: "=" in word or word in ("eros", "dbt"), told.split()
    )
    arguments = shlex.split(told)[len(variables) + 1 :]
    env = dict(variable.split("=", 1) for variable in shlex.split(" ".join(variables)))
    built.start(*arguments, program=program, env=env).wait()
    return told, built.eros("runs", "--limit", "1", "--json").json[0]


def spoil(built, share):
    """Rows of mass_messages that cannot be used; gives how to mend them. These are inputs, not the sample."""
    (built.data_dir / "generated.json").unlink()
    file = built.data_dir / "mass_messages.parquet"
    whole = file.read_bytes()
    with duckdb.connect() as connection:
        connection.execute(f"create table t as from '{file}'")
        connection.execute(f"update t set sending_time = null where hash(row_id) % 100 < {share}")
        connection.execute(f"copy t to '{file}' (format parquet)")
    return lambda: file.write_bytes(whole)


@pytest.mark.slow
def test_the_advice_after_a_failed_test_works(built):
    """`dbt retry` would look at the same rows again: they were read when the model was built."""
    mend = spoil(built, 40)
    answer = built.run("performance", code=None).json
    assert answer["status"] == "FAILED"
    mend()
    told, newest = repeated(built, answer["invocation_id"])
    assert told.startswith("eros run performance --as-of ")
    assert (newest["job_name"], newest["job_status"]) == ("performance", "SUCCESS")


def test_the_advice_after_a_failed_hook_works(built):
    file = built.data_dir / "mass_messages.parquet"
    whole = file.read_bytes()
    file.unlink()
    result = built.run("performance", "--full-refresh", code=None).json
    assert result["exit_code"] == ExitCode.CANNOT_START
    file.write_bytes(whole)
    told, newest = repeated(built, result["invocation_id"])
    assert told == f"eros run performance --as-of {clock.iso(AS_OF)} --full-refresh"
    assert (newest["job_name"], newest["job_status"]) == ("performance", "SUCCESS")


def test_a_plain_command_is_repeated_as_it_was(built):
    built.edit("models/operations/caption_lock_summary.sql", "from assignments", "from nowhere")
    built.dbt("build", "--select", "caption_lock_summary", code=1)
    built.edit("models/operations/caption_lock_summary.sql", "from nowhere", "from assignments")
    job_id = built.eros("runs", "--limit", "1", "--json").json[0]["job_id"]
    told = built.eros("runs", "show", job_id, "--json").json["repeat"]
    assert told == "dbt build --select caption_lock_summary"


def test_a_run_that_could_not_begin_is_listed_with_its_reason(built):
    """Held by another program, a parse error, no database at all: an id, and the true reason."""
    with duckdb.connect(str(built.database)):
        busy = built.run("sweep", "--wait", "0", code=ExitCode.BUSY).json
    assert "The database is in use" in busy["error"]
    [row] = [row for row in built.eros("runs", "--json").json if row["job_id"] == busy["run_id"]]
    assert (row["job_name"], row["job_status"]) == ("sweep", "FAILED")
    assert row["error_message"] == busy["error"]
    story = built.eros("runs", "show", busy["run_id"], "--json").json
    assert story["error_message"] == busy["error"]
    assert story["repeat"] == f"eros run sweep --as-of {clock.iso(AS_OF)}"
    assert busy["run_id"][:8] in built.eros("runs").stdout


def test_a_first_run_that_could_not_begin_is_listed_without_a_database(project):
    project.edit("models/operations/caption_lock_summary.sql", "from assignments", "from {{ nowhere( }}")
    answer = project.run("sweep", code=ExitCode.CANNOT_START).json
    [row] = project.eros("runs", "--json").json
    assert row["job_id"] == answer["invocation_id"]
    assert "nowhere" in row["error_message"]
    story = project.eros("runs", "show", row["job_id"][:12]).stdout
    assert "nowhere" in story


def test_a_run_that_nobody_knows_is_told(built):
    result = built.eros("runs", "show", "nosuch", code=ExitCode.USAGE)
    assert result.stderr == "eros: No run has an id that begins with 'nosuch'; see `eros runs`.\n"
    assert "argument is empty" in built.eros("runs", "show", "", code=ExitCode.USAGE).stderr
    built.execute("update etl_job_runs set job_id = 'same' || job_id")
    assert "More than one run" in built.eros("runs", "show", "same", code=ExitCode.USAGE).stderr


def test_a_run_that_did_not_do_what_is_expected_failed_in_the_log_too(built):
    """dbt calls it good; the verdict does not."""
    built.edit("schedules.yml", "expects: [caption_lock_summary]", "expects: [caption_lock_summary, nosuch]")
    job_id = built.run("sweep", code=ExitCode.NOTHING_RAN).json["invocation_id"]
    [row] = built.query("select job_status, error_message from etl_job_runs where job_id = ?", [job_id])
    assert row["job_status"] == "FAILED"
    assert "nosuch" in row["error_message"]
    assert built.query("select count(*) as n from automation_alerts where job_id = ?", [job_id]) == [{"n": 1}]


def test_a_run_that_was_killed_after_its_work_keeps_its_status(built):
    """Between the closing of its row and the record of its end: the row tells the folder."""
    slot = "2025-06-15T12:00:00Z"
    job_id = built.run("sweep", env={SLOT_VARIABLE: slot}).json["invocation_id"]
    found = Found.locate({"EROS_PROJECT_DIR": str(built.directory)})
    folder = run_folders.find(found.runs_dir, job_id)
    folder.record({"status": "RUNNING", "exit_code": None})
    schedule = find_schedule(built.directory / "schedules.yml", "sweep")
    request = Request(found, schedule, found.find_target(None))
    assert records.tidy_up(request, 0, print) == []
    assert folder.facts()["status"] == "SUCCESS"
    assert built.query("select job_status from etl_job_runs where job_id = ?", [job_id]) == [
        {"job_status": "SUCCESS"}
    ]
