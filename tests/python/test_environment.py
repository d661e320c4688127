"""What the environment says changes where things are, and never what a schedule does."""

from __future__ import annotations

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import Project

# Every option of dbt 1.11 that changes what is built, tested or kept, by its name in the environment.
CHANGING = {
    "FULL_REFRESH": "true", "EMPTY": "true", "SAMPLE": "1 day", "DEFER": "true", "STATE": "/nowhere",
    "DEFER_STATE": "/nowhere", "FAVOR_STATE": "true", "EXCLUDE_RESOURCE_TYPES": "test",
    "RESOURCE_TYPES": "model", "INDIRECT_SELECTION": "eager", "FAIL_FAST": "true", "WARN_ERROR": "true",
    "WARN_ERROR_OPTIONS": '{"error": "all"}', "STORE_FAILURES": "true", "EVENT_TIME_START": "2025-01-01",
    "EVENT_TIME_END": "2025-01-02", "INTROSPECT": "false", "POPULATE_CACHE": "false", "PROFILE": "other",
    "PROJECT_DIR": "/nowhere", "VERSION_CHECK": "false", "PARTIAL_PARSE_FILE_PATH": "/nowhere/parse",
    "CACHE_SELECTED_ONLY": "true", "WRITE_JSON": "true", "LOG_LEVEL": "debug", "LOG_LEVEL_FILE": "none",
}  # fmt: skip
LASTING = ("message_outcomes", "caption_bandit_stats", "schedule_recommendations")
EVERY_VARIABLE = (
    "EROS_THREADS", "EROS_DUCKDB_PATH", "EROS_DUCKDB_MEMORY_LIMIT", "EROS_AS_OF", "EROS_SINCE",
    "EROS_DATA_DIR", "EROS_RUNS_DIR", "EROS_BACKUP_DIR", "EROS_KEEP_RUNS_DAYS", "EROS_LOCK_WAIT",
    "EROS_JOB_NAME", "EROS_SLOT", "DBT_TARGET", "DBT_PROFILES_DIR", "DBT_TARGET_PATH",
)  # fmt: skip


def counts(project: Project) -> dict[str, int]:
    return {name: len(project.table(name)) for name in LASTING}


@pytest.mark.parametrize("prefix", ["DBT_", "DBT_ENGINE_"])
def test_no_option_of_dbt_changes_what_a_schedule_does(built: Project, prefix: str) -> None:
    before = counts(built)
    usual = built.run("performance").json
    env = {prefix + name: value for name, value in CHANGING.items()}
    answer = built.run("performance", env=env).json
    assert answer["status"] == "SUCCESS"
    assert answer["nodes"] == usual["nodes"]
    assert counts(built) == before
    assert answer["nodes"]["test"]["pass"] > 0


def test_both_spellings_say_where_things_are(built: Project) -> None:
    env = {"DBT_ENGINE_TARGET": "nosuch", "DBT_TARGET": "duckdb"}
    assert "nosuch" in built.run("sweep", env=env, code=ExitCode.USAGE).json["error"]
    built.run("sweep", env={"DBT_ENGINE_TARGET_PATH": "elsewhere"})
    assert (built.directory / "elsewhere" / "run_results.json").exists()


@pytest.mark.parametrize("variable", ["DBT_EXCLUDE_RESOURCE_TYPES", "DBT_ENGINE_EXCLUDE_RESOURCE_TYPES"])
def test_a_plain_schedule_without_its_tests_is_no_success(built: Project, variable: str) -> None:
    built.dbt("build", "--selector", "sweep")
    built.dbt("build", "--selector", "performance", env={variable: "test"}, code=2)
    rows = built.query("select job_name, job_status, error_message from etl_job_runs order by job_start_time")
    assert [row["job_status"] for row in rows[-2:]] == ["SUCCESS", "FAILED"]
    assert rows[-1]["error_message"].startswith("expected but not run: ")


def test_a_selector_that_leaves_the_tests_out_is_no_success(built: Project) -> None:
    """It is the tests' tag that says who enforces them, so the list keeps itself."""
    built.edit(
        "selectors.yml",
        "      method: tag\n      value: performance\n      indirect_selection: empty\n",
        "      union:\n        - {method: tag, value: performance, indirect_selection: empty}\n"
        "        - exclude: [{method: resource_type, value: test}]\n",
    )
    answer = built.run("performance", code=ExitCode.NOTHING_RAN).json
    assert answer["status"] == "FAILED"
    assert "expected but not run: " in answer["problems"][0]["why"]
    [row] = built.query("select * from etl_job_runs where job_id = ?", [answer["invocation_id"]])
    assert row["job_status"] == "FAILED"


@pytest.mark.parametrize(
    ("flags", "env"),
    [
        (["--empty"], {}), (["--sample", "1 day"], {}), ([], {"DBT_EMPTY": "true"}),
        ([], {"DBT_ENGINE_EMPTY": "1"}), ([], {"DBT_SAMPLE": "1 day"}), ([], {"DBT_ENGINE_SAMPLE": "1 day"}),
    ],
)  # fmt: skip
def test_what_was_learnt_is_not_emptied(built: Project, flags: list[str], env: dict[str, str]) -> None:
    before = {name: built.table(name) for name in LASTING}
    runs = len(built.table("etl_job_runs"))
    for command in (["run"], ["build", "--select", "message_outcomes"]):
        result = built.dbt(*command, *flags, env=env, code=None)
        assert result.code != 0
        assert "would lose what this database holds" in result.stdout
    assert {name: built.table(name) for name in LASTING} == before
    assert len(built.table("etl_job_runs")) == runs


@pytest.mark.slow
def test_a_database_without_rows_may_be_built_empty(project: Project) -> None:
    project.make_sample()
    project.dbt("seed")
    for _ in range(2):
        project.dbt("run", "--empty", "--selector", "performance")
    assert project.table("message_outcomes") == []
    project.run("performance")
    assert project.table("message_outcomes") != []
    assert project.dbt("run", "--empty", "--selector", "performance", code=None).code != 0


def test_an_empty_variable_means_the_default(built: Project) -> None:
    """In dbt as in `eros`: an empty path would be a database in memory."""
    empty = dict.fromkeys(EVERY_VARIABLE, "")
    built.run("sweep", env=empty)
    built.dbt("build", "--select", "caption_lock_summary", env=empty)
    rows = built.query("select job_name from etl_job_runs order by job_start_time")
    assert [row["job_name"] for row in rows[-2:]] == ["sweep", "build_part"]
