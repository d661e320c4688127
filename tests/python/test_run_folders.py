"""What a run leaves in its folder, whatever became of it."""

from datetime import timedelta

import pytest

from eros_dbt_runner import run_folders
from eros_dbt_runner.clock import now
from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import run_arguments


def newest(project):
    return run_folders.folders(project.directory / "runs")[0]


def test_a_run_leaves_its_record_its_results_and_its_log(built):
    result = built.run("sweep")
    folder = newest(built)
    facts = folder.facts()
    assert facts["status"] == result.json["status"] == "SUCCESS"
    assert facts["invocation_id"] == result.json["invocation_id"]
    assert facts["report"] == result.json
    assert "model.eros.caption_lock_summary" in {node["unique_id"] for node in folder.results()}
    assert folder.log().name == "dbt.log.gz"
    assert "caption_lock_summary" in built.log


def test_a_run_that_fails_leaves_the_same(built):
    built.edit("models/operations/caption_lock_summary.sql", "from assignments", "from nowhere")
    built.run("sweep", code=ExitCode.RUN_FAILED)
    assert newest(built).facts()["status"] == "FAILED"
    assert any(node["status"] == "error" for node in newest(built).results())


@pytest.mark.slow
def test_a_killed_run_leaves_a_record_that_says_so(built):
    child = built.start(*run_arguments("performance"), "--full-refresh")
    child.wait_for("caption_bank_checked")
    child.kill()
    child.wait()
    facts = newest(built).facts()
    assert facts["status"] == "RUNNING"  # only the run log in the database can tell that it died
    [row] = built.query("select job_id from etl_job_runs where job_status = 'RUNNING'")
    assert facts["invocation_id"] == row["job_id"]


def test_the_results_of_plain_dbt_are_kept_by_the_next_run(built):
    built.dbt("build", "--select", "caption_lock_summary")
    built.run("sweep")
    _, plain = run_folders.folders(built.directory / "runs")[:2]
    assert plain.path.name.split("_")[1] == "dbt"
    assert plain.results()
    [row] = built.query(
        "select job_name from etl_job_runs where job_id = ?", [plain.facts()["invocation_id"]]
    )
    assert row["job_name"] == "build_part"


def test_folders_past_their_time_go(tmp_path):
    old, young = now() - timedelta(days=31), now() - timedelta(days=29)
    for moment in (old, young):
        (tmp_path / f"{moment:%Y%m%dT%H%M%SZ}_sweep_1").mkdir()
    assert run_folders.prune(tmp_path, 30) == 1
    assert [folder.path.name[:8] for folder in run_folders.folders(tmp_path)] == [f"{young:%Y%m%d}"]


def test_a_wrong_number_of_days_is_told(built):
    result = built.run("sweep", env={"EROS_KEEP_RUNS_DAYS": "ten"}, code=ExitCode.USAGE)
    assert "EROS_KEEP_RUNS_DAYS" in result.json["error"]
