"""Plain dbt, as an analytics engineer uses it, and inputs from wherever they come."""

import shutil
from datetime import timedelta

import duckdb
import pytest

from tests.python import histories
from tests.python.harness import AS_OF, ROOT, Project

pytestmark = pytest.mark.slow


def test_plain_dbt_build_from_a_clean_clone_and_again(project: Project) -> None:
    """Fresh with every test, then incremental, then without any option: as of the sample's own end."""
    shutil.copytree(ROOT / "sample_data", project.directory / "sample_data")
    project.dbt("build", env={"EROS_AS_OF": AS_OF.isoformat()})
    assert project.query("select count(*) as n from schedule_recommendations_messages")[0]["n"] > 10
    project.dbt("build", "--exclude-resource-type", "unit_test", env={"EROS_AS_OF": AS_OF.isoformat()})
    project.dbt("build", "--exclude-resource-type", "unit_test")
    statuses = [
        row["job_status"] for row in project.query("select * from etl_job_runs order by job_start_time")
    ]
    assert statuses == ["SUCCESS", "SUCCESS", "SUCCESS"]
    days = project.query("select distinct execution_date as day from etl_job_runs")
    assert [row["day"] for row in days] == [AS_OF.date()]


def rewrite_as_another_program_would(project: Project, kind: str) -> None:
    """The same tables as naive timestamps, as ISO text with an offset, or as tables in the database."""
    sending_time = {
        "naive": "sending_time at time zone 'UTC'",
        "nanoseconds": "cast(sending_time at time zone 'UTC' as timestamp_ns)",
        "text": "strftime(sending_time at time zone 'UTC' + interval 2 hours, '%Y-%m-%dT%H:%M:%S.%f+02:00')",
        "loaded": "sending_time",
    }[kind]
    source = project.data_dir / "mass_messages.parquet"
    query = f"select * replace ({sending_time} as sending_time) from read_parquet('{source}')"
    with duckdb.connect(str(project.database) if kind == "loaded" else ":memory:") as connection:
        connection.execute("set timezone = 'UTC'")
        if kind == "loaded":
            connection.execute("create schema if not exists eros_scheduling_brain")
            connection.execute(f"create table eros_scheduling_brain.mass_messages as {query}")
            # The file stays behind, empty: the table is what counts.
            query = f"select * from read_parquet('{source}') limit 0"
        connection.execute(f"copy ({query}) to '{source}.new' (format parquet)")
        source.with_name(source.name + ".new").replace(source)


@pytest.mark.parametrize("kind", ["csv", "naive", "nanoseconds", "text", "loaded"])
def test_inputs_from_another_program_are_the_same_inputs(project: Project, kind: str) -> None:
    history = histories.make_history(21, pages=3, captions=60, messages=300, bad_share=0)
    reference = project.clone(project.directory.with_name("reference"))
    for run, file_format in ((reference, "parquet"), (project, "csv" if kind == "csv" else "parquet")):
        run.write_inputs(history.tables, file_format=file_format)
    if kind != "csv":
        rewrite_as_another_program_would(project, kind)
    for run in (reference, project):
        for days in (9, 0):  # the second run is incremental
            run.run("performance", as_of=history.as_of - timedelta(days=days))
    for table in (
        "mass_messages_checked",
        "message_outcomes",
        "caption_bandit_stats",
        "stg_creator_caption_restrictions",
    ):
        without = ["raw_row"] if table == "mass_messages_checked" else []
        assert project.table(table, without=without) == reference.table(table, without=without), table
    assert len(reference.table("message_outcomes")) > 100


def test_a_missing_input_is_told_in_a_sentence(project: Project) -> None:
    project.write_inputs()
    (project.data_dir / "caption_bank.parquet").unlink()
    result = project.run("performance", code=6).json
    assert "input table caption_bank not found" in result["problems"][0]["why"]
    assert "Set EROS_DATA_DIR to the folder" in result["problems"][0]["why"]
    assert "sample" not in str(result)


def test_a_missing_column_is_named(project: Project) -> None:
    project.write_inputs()
    path = project.data_dir / "caption_bank.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * exclude (usage_status) from '{path}') to '{path}.new' (format parquet)"
        )
    path.with_name(path.name + ".new").replace(path)
    why = project.run("performance", code=6).json["problems"][0]["why"]
    assert "input table caption_bank lacks the column usage_status" in why


def test_a_daily_run_before_anything_was_learnt_says_what_to_run(project: Project) -> None:
    project.make_sample()
    why = project.run("daily", code=6).json["problems"][0]["why"]
    assert "eros run performance" in why


def test_the_row_of_a_run_that_died_is_closed_by_the_next(project: Project) -> None:
    project.run("sweep")
    project.execute(
        "insert into etl_job_runs (job_id, job_name, job_start_time, job_status, execution_date)"
        " values ('dead', 'daily', timestamp '2025-06-15 10:05:00', 'RUNNING', date '2025-06-15')"
    )
    project.dbt("build", "--selector", "sweep", env={"EROS_AS_OF": AS_OF.isoformat()})
    [row] = project.query("select * from etl_job_runs where job_id = 'dead'")
    assert row["job_status"] == "FAILED"
    assert row["job_end_time"] is not None
    assert row["error_message"].startswith("the run died without closing its row")
