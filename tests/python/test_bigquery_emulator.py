"""The real adapter and the real client against an emulator: every table as on DuckDB."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.twins import INPUTS, LIVE, TARGET, TOO_LONG_TO_FETCH, Twins, same

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]


def test_every_table_is_the_same_on_both_engines(twins: Twins, record_property) -> None:
    found = twins.project.query(
        "select table_name as name from information_schema.tables where table_schema = current_schema()"
    )
    tables = {row["name"] for row in found} - INPUTS - TOO_LONG_TO_FETCH - LIVE
    assert len(tables) >= 35
    record_property("checked", f"{len(tables)} tables row for row with the real adapter on an emulator")
    different = {table: twins.differences(table)[:5] for table in sorted(tables)}
    assert {table: found for table, found in different.items() if found} == {}


def test_health_and_alerts_are_the_same_on_both_engines(twins: Twins) -> None:
    """The figures in hours are those of two moments; everything else must agree."""
    env = {**twins.emulator.env, "DBT_TARGET": "emulator"}
    own, there = (
        twins.project.eros(*command, "--json", env=environment, code=None).json
        for command in (("health",),)
        for environment in ({}, env)
    )
    assert [(row["check_name"], row["check_status"], row["message"]) for row in own] == [
        (row["check_name"], row["check_status"], row["message"]) for row in there
    ]
    counts = [(row["check_name"], row["figure"]) for row in own if row["unit"] != "hours"]
    assert counts == [(row["check_name"], row["figure"]) for row in there if row["unit"] != "hours"]
    for environment in ({}, env):
        twins.project.eros("alerts", "check", env=environment)
    own, there = (twins.project.eros("alerts", "--json", env=environment).json for environment in ({}, env))
    assert sorted((row["alert_source"], row["alert_level"], row["alert_message"]) for row in own) == sorted(
        (row["alert_source"], row["alert_level"], row["alert_message"]) for row in there
    )
    assert len(own) > 0
    queue = "select channel, alert_source, alert_message, owner from alert_queue order by 1, 2, 3"
    assert twins.project.query(queue) == twins.emulator.query(queue)
    for rows, environment in ((own, {}), (there, env)):
        [taken] = [row["alert_id"] for row in rows if row["alert_source"] == "input_rows"]
        twins.project.eros("alerts", "ack", taken[:12], "--by", "amy", env=environment)
    where = "where alert_source = 'input_rows'"
    [row] = twins.emulator.query(f"select acknowledged_by as who from automation_alerts {where}")
    assert row["who"] == "amy"


def test_the_comparison_is_about_something(twins: Twins) -> None:
    for table in ("schedule_recommendations_messages", "rejected_rows", "creator_processing_errors"):
        assert twins.emulator.query(f"select count(*) as n from {table}")[0]["n"] > 0, table
    assert same(1.0, 1.0 + 1e-7) is False
    assert same(None, 0.0) is False


def test_the_verdicts_are_thesame(twins: Twins) -> None:
    for own, there in twins.verdicts.values():
        for key in ("status", "creators_failed", "messages_scheduled", "creator_errors", "rejected_rows"):
            assert own[key] == there[key], key


def test_the_reading_commands_read_bigquery(twins: Twins) -> None:
    env = {**twins.emulator.env, "DBT_TARGET": "emulator"}
    rows = twins.project.eros("schedule", "--json", env=env).json
    assert rows == twins.project.eros("schedule", "--json").json
    page, day, slot = rows[0]["page_name"], rows[0]["schedule_id"][-8:], rows[0]["time_slot_rank"]
    explained = twins.project.eros(
        "explain", page, f"{day[:4]}-{day[4:6]}-{day[6:]}", str(slot), "--json", env=env
    ).json
    assert explained["caption_id"] == rows[0]["caption_id"]
    chosen = twins.project.eros("select", page, "--json", env=env).json
    assert [row["caption_id"] for row in chosen] == [
        row["caption_id"] for row in twins.project.eros("select", page, "--json").json
    ]


def test_the_procedures_do_the_same_on_both_engines(twins: Twins) -> None:
    """A page's selection, and a sweep a day later."""
    page = twins.project.eros("schedule", "--json").json[0]["page_name"]
    later = {"EROS_AS_OF": (twins.days[1] + timedelta(days=1)).isoformat()}
    there = {**later, **twins.emulator.env, "DBT_TARGET_PATH": "target-emulator"}
    for procedure, arguments in (
        ("select_captions_for_creator", f"{{page: {page}, mid: 900}}"),
        ("sweep_expired_caption_locks", "{}"),
    ):
        command = ("--quiet", "run-operation", procedure, "--args", arguments)
        own = twins.project.dbt(*command, env=later).stdout
        assert own == twins.project.dbt(*command, *TARGET, env=there).stdout
        assert "mid: " in own or "sweep" in procedure
    for table in ("active_caption_assignments", "lock_sweep_log", "automation_alerts"):
        assert twins.differences(table) == [], table
    [row] = twins.emulator.query(
        "select total_locks_cleaned as n from lock_sweep_log order by sweep_time desc limit 1"
    )
    assert row["n"] > 0


def test_every_statement_says_which_schedule_and_run_it_belongs_to(twins: Twins) -> None:
    """dbt-bigquery makes job labels of this comment; the emulator keeps no labels."""
    comments = [json.loads(sql.split("/* ")[1].split(" */")[0]) for sql in twins.emulator.statements()]
    assert {"performance", "daily", "sweep", "dbt"} == {comment["schedule"] for comment in comments}
    assert all(comment["app"] == "eros" and comment["node"] for comment in comments)
    [run_id] = {comment["run_id"] for comment in comments if comment["schedule"] == "sweep"}
    [row] = twins.emulator.query(f"select job_name from etl_job_runs where job_id = '{run_id}'")
    assert row["job_name"] == "sweep"
