"""Many runs at once on one database."""

from __future__ import annotations

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import run_arguments

EIGHT = ["performance", "daily", "sweep", "daily", "performance", "daily", "sweep", "performance"]
STATE = ["active_caption_assignments", "schedule_recommendations", "schedule_recommendations_messages"]


def run_at_once(project, wait):
    """The results of eight runs, started together, that wait so many seconds for each other."""
    children = [project.start(*run_arguments(schedule), "--json", "--wait", str(wait)) for schedule in EIGHT]
    return [child.wait() for child in children]


@pytest.mark.slow
@pytest.mark.parametrize("wait", [600, 0], ids=["waiting", "not waiting"])
def test_eight_runs_at_once_succeed_or_say_that_one_is_in_progress(built, wait):
    before = {name: built.table(name) for name in STATE}
    stats = built.table("caption_bandit_stats")
    runs_before = len(built.table("etl_job_runs"))

    results = run_at_once(built, wait)

    codes = [result.code for result in results]
    assert set(codes) <= {ExitCode.OK, ExitCode.BUSY}, "\n".join(map(str, results))
    assert codes.count(ExitCode.OK) == 8 if wait else codes.count(ExitCode.OK) >= 1
    for result in results:
        if result.code == ExitCode.BUSY:
            assert result.json["status"] == "NOT_RUN"
            assert "another run is in progress" in result.json["error"]
            assert "(process " in result.json["error"]
        else:
            assert result.json["status"] == "SUCCESS"

    log = built.table("etl_job_runs")
    assert len(log) == runs_before + codes.count(ExitCode.OK)
    assert {row["job_status"] for row in log} == {"SUCCESS"}
    assert {name: built.table(name) for name in STATE} == before
    assert built.table("caption_bandit_stats") == stats
    assert not list(built.directory.glob("eros.duckdb.lock.json*"))


@pytest.mark.slow
def test_runs_of_different_databases_do_not_wait_for_each_other(built):
    child = built.start(*run_arguments("performance"), "--json", "--wait", "0")
    other = built.start(
        *run_arguments("performance"), "--json", "--wait", "0",
        env={"EROS_DUCKDB_PATH": "second.duckdb", "DBT_TARGET_PATH": "second_target"},
    )  # fmt: skip
    assert [child.wait().code, other.wait().code] == [0, 0]
