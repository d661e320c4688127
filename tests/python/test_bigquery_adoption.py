"""A rehearsal on the emulator: a dataset that the hand-deployed set-up has used is taken over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.emulator import Emulator, running
from tests.python.harness import AS_OF, SCHEMA, Project, Row, parsed_project

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

# The tables as the old scripts made them (design sections 4 to 7), with rows in them.
OLD_TABLES = {
    "caption_bandit_stats": (
        "caption_id INT64, page_name STRING, successes INT64, failures INT64, total_observations INT64,"
        " total_revenue FLOAT64, avg_conversion_rate FLOAT64, avg_emv FLOAT64, last_emv_observed FLOAT64,"
        " confidence_lower_bound FLOAT64, confidence_upper_bound FLOAT64, exploration_score FLOAT64,"
        " last_used TIMESTAMP, last_updated TIMESTAMP, performance_percentile INT64",
        "(1, 'luna', 28, 29, 56, 10.0, 0.1, 0.2, 0.3, 0.1, 0.9, 0.1,"
        " timestamp '2025-06-10', timestamp '2025-06-14', 50)",
    ),
    "schedule_recommendations": (
        "schedule_id STRING, time_slot_rank INT64, page_name STRING, schedule_date DATE,"
        " scheduled_send_time TIMESTAMP, message_type STRING, caption_id INT64, caption_text STRING,"
        " price_tier STRING, is_active BOOL, created_at TIMESTAMP",
        "('luna_20250614', 1, 'luna', date '2025-06-14', timestamp '2025-06-14 20:00:00', 'PPV', 1,"
        " 'caption number 1', 'budget', true, timestamp '2025-06-14 10:05:00')",
    ),
    "active_caption_assignments": (
        "page_name STRING, caption_id INT64, caption_text STRING, assigned_date DATE,"
        " scheduled_send_date DATE, scheduled_send_hour INT64, price_tier STRING, is_active BOOL,"
        " assigned_at TIMESTAMP, assignment_key STRING, schedule_id STRING, deactivated_at TIMESTAMP,"
        " deactivation_reason STRING",
        "('luna', 1, 'caption number 1', date '2025-06-14', date '2025-06-16', 13, 'budget', true,"
        " timestamp '2025-06-14 10:05:00', 'old key', 'luna_20250616', null, null)",
    ),
    "etl_job_runs": (
        "job_id STRING, job_name STRING, job_start_time TIMESTAMP, job_end_time TIMESTAMP,"
        " job_status STRING, execution_date DATE, creators_processed INT64, creators_failed INT64,"
        " error_message STRING, job_duration_seconds FLOAT64",
        "('old job', 'update_caption_performance', timestamp '2025-06-14', timestamp '2025-06-14',"
        " 'SUCCESS', date '2025-06-14', 38, 0, null, 12.5)",
    ),
    "automation_alerts": (
        "alert_id STRING, alert_time TIMESTAMP, alert_level STRING, alert_source STRING,"
        " alert_message STRING, job_id STRING, acknowledged BOOL, acknowledged_at TIMESTAMP,"
        " acknowledged_by STRING",
        "('old alert', timestamp '2025-06-14', 'WARNING', 'sweep', 'many', 'old job', false, null, null)",
    ),
    "creator_processing_errors": (
        "job_id STRING, page_name STRING, execution_date DATE, error_message STRING, error_time TIMESTAMP",
        "('old job', 'nova', date '2025-06-14', 'no caption', timestamp '2025-06-14')",
    ),
    "schedule_export_log": (
        "schedule_id STRING, page_name STRING, export_timestamp TIMESTAMP, message_count INT64,"
        " execution_time_seconds FLOAT64, status STRING, error_message STRING, export_format STRING,"
        " exported_by STRING",
        "('luna_20250614', 'luna', timestamp '2025-06-14', 3, 1.5, 'SUCCESS', null, 'CSV', 'someone')",
    ),
    "lock_sweep_log": (
        "sweep_id STRING, sweep_time TIMESTAMP, locks_expired_stale INT64,"
        " locks_expired_past_date INT64, total_locks_cleaned INT64, sweep_duration_seconds FLOAT64",
        "('old sweep', timestamp '2025-06-14', 0, 5, 5, 0.5)",
    ),
}
OLD_PROCEDURES = ("run_daily_automation", "select_captions_for_creator", "update_caption_performance")


@dataclass(frozen=True)
class Adopted:
    """A project over a dataset that held `before`, rows by table."""

    project: Project
    emulator: Emulator
    before: dict[str, list[Row]]

    def dbt(self, *arguments: str, code: int = 0) -> str:
        env = {**self.emulator.env, "EROS_AS_OF": AS_OF.isoformat()}
        return self.project.dbt(*arguments, "--target", "emulator", env=env, code=code).stdout


@pytest.fixture(scope="module")
def adopted(tmp_path_factory, shared: Path, commands) -> Iterator[Adopted]:
    folder = tmp_path_factory.mktemp("adoption")
    project = Project(parsed_project(shared, commands), commands).clone(folder / "project")
    project.make_sample(pages=2, captions=400, messages=300)
    (folder / "home").mkdir()
    with running(folder / "home") as emulator:
        emulator.load(project.data_dir)
        for name, (columns, values) in OLD_TABLES.items():
            emulator.query(f"create table {SCHEMA}.{name} ({columns})")
            emulator.query(f"insert into {SCHEMA}.{name} values {values}")
        add_columns(emulator, project, "schedule_recommendations")
        for name in OLD_PROCEDURES:
            emulator.make_procedure(name)
        yield Adopted(
            project, emulator, {name: emulator.query(f"select * from {name}") for name in OLD_TABLES}
        )


def add_columns(emulator: Emulator, project: Project, model: str) -> None:
    """Give an old table the columns that the model has and it lacks, NULL for its rows.

    On BigQuery the adapter does it in the build (`on_schema_change`), by a call of the API that the
    emulator answers and does not carry out.
    """
    yml = yaml.safe_load((project.directory / f"models/scheduling/{model}.yml").read_text())
    there = set(emulator.query(f"select * from {model}")[0])
    for column in yml["models"][0]["columns"]:
        if column["name"] not in there:
            emulator.query(f"alter table {SCHEMA}.{model} add column {column['name']} {column['data_type']}")


def test_old_routines_are_listed_and_dropped_only_by_name(adopted: Adopted) -> None:
    listed = adopted.dbt("run-operation", "list_old_routines")
    assert all(f"PROCEDURE {name}" in listed for name in OLD_PROCEDURES)
    refused = adopted.dbt("run-operation", "drop_old_routine", "--args", "{name: nosuch}", code=1)
    assert "list_old_routines shows what there is" in refused
    adopted.dbt("run-operation", "drop_old_routine", "--args", "{name: select_captions_for_creator}")
    listed = adopted.dbt("run-operation", "list_old_routines")
    assert "select_captions_for_creator" not in listed
    assert "2 routines of the old set-up" in listed


def test_the_first_build_loses_no_row(adopted: Adopted) -> None:
    adopted.dbt("build", "--exclude-resource-type", "unit_test")
    for name, rows in adopted.before.items():
        if name == "caption_bandit_stats":
            continue
        now = adopted.emulator.query(f"select * from {name}")
        kept = [{column: row[column] for column in rows[0]} for row in now]
        assert all(row in kept for row in rows), name


def test_statistics_are_learnt_anew_from_the_messages(adopted: Adopted) -> None:
    """The old ones counted a message about 28 times; a pair without outcomes leaves, by the rules."""
    stats = adopted.emulator.query("select * from caption_bandit_stats")
    [outcomes] = adopted.emulator.query("select count(*) as n from message_outcomes")
    assert sum(row["total_observations"] for row in stats) == outcomes["n"] > 0
    assert "luna" not in {row["page_name"] for row in stats}


def test_an_old_lock_still_keeps_its_caption_back(adopted: Adopted) -> None:
    [lock] = adopted.emulator.query(
        "select is_active from active_caption_assignments where assignment_key = 'old key'"
    )
    assert lock["is_active"] is True
