"""The real adapter and the real client against an emulator: every table as on DuckDB.

The same inputs, as they stood on two days, go through both engines by the same commands: a first
and a second `dbt build` on the first day, the three schedules on the second.
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from pathlib import Path

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.emulator import Emulator, running
from tests.python.harness import Project, Row, parsed_project
from tests.python.histories import make_history
from tests.python.oracle import COLUMNS

TARGET = ("--target", "emulator")
# What names a run or measures it differs between any two runs, on one engine too.
OF_THE_RUN = {
    "job_id", "job_start_time", "job_end_time", "job_duration_seconds", "sweep_id",
    "sweep_duration_seconds", "alert_id", "error_time",
}  # fmt: skip
INPUTS = {"mass_messages", "caption_bank", "captions", "creator_caption_restrictions"}
# A constant list of hour sets; creator_send_hours shows what comes of it.
TOO_LONG_TO_FETCH = {"send_hour_patterns"}


class Both:
    """A project that has been through the same on DuckDB and on the emulator."""

    def __init__(self, project: Project, emulator: Emulator) -> None:
        self.project, self.emulator = project, emulator
        # In tables this small the few bad rows are many.
        project.edit("dbt_project.yml", "max_rejected_share: 0.05", "max_rejected_share: 0.5")
        history = make_history(7, pages=5, captions=120, messages=500, bad_share=0.02, broken_pages=1)
        self.days = (history.as_of - timedelta(days=1), history.as_of)
        self._take(history.at(self.days[0]))
        for _ in ("fresh", "incremental"):
            self._both("build", "--exclude-resource-type", "unit_test", program="dbt", day=self.days[0])
        self._take(history.at(self.days[1]))
        self.verdicts = {
            name: self._both("run", name, "--json", program="eros", day=self.days[1])
            for name in ("performance", "daily", "sweep")
        }

    def _take(self, tables: dict[str, list[Row]]) -> None:
        self.project.write_inputs(
            {name: [row for row in rows if _fits(name, row)] for name, rows in tables.items()}
        )
        self.emulator.load(self.project.data_dir)

    def _both(self, *arguments: str, program: str, day) -> tuple[dict, dict]:
        env = {"EROS_AS_OF": day.isoformat()}
        own = self.project.start(*arguments, program=program, env=env).wait()
        there = self.project.start(
            *arguments, *TARGET, program=program,
            env={**env, **self.emulator.env, "DBT_TARGET_PATH": "target-emulator"},
        ).wait()  # fmt: skip
        assert own.code == there.code == 0, f"{own}\n{there}"
        return (own.json, there.json) if program == "eros" else ({}, {})

    def differences(self, table: str) -> list[str]:
        """What the two engines disagree about in a table; every row and column is looked at."""
        own = self.project.query(f"select * from {table}")
        there = self.emulator.query(f"select * from {table}")
        columns = [name for name in (own or there or [{}])[0] if name not in OF_THE_RUN]
        if own and there and set(own[0]) != set(there[0]):
            return [f"columns {sorted(set(own[0]) ^ set(there[0]))}"]
        if len(own) != len(there):
            return [f"{len(own)} rows on DuckDB, {len(there)} on BigQuery"]
        pairs = zip(
            *(sorted(map(_comparable, rows), key=_order(columns)) for rows in (own, there)), strict=True
        )
        return [
            f"{name}: {mine[name]!r} on DuckDB, {theirs[name]!r} on BigQuery"
            for mine, theirs in pairs
            for name in columns
            if not _same(mine[name], theirs[name])
        ]


def _fits(table: str, row: Row) -> bool:
    """Whether BigQuery's typed columns can hold the row; a file can hold words for numbers."""
    numbers = {float: (int, float)}
    return all(
        row[name] is None or isinstance(row[name], numbers.get(kind, kind))
        for name, kind in COLUMNS[table].items()
    )


def _comparable(row: Row) -> Row:
    """The row as it was read, as its fields: engines write numbers and times in their own way."""
    raw = row.get("raw_row")
    if raw is None:
        return row
    return {**row, "raw_row": sorted(raw if isinstance(raw, dict) else json.loads(raw))}


def _order(columns: list[str]):
    def key(row: Row) -> list[tuple[bool, str]]:
        values = [row[name] for name in columns]
        return [(v is None, f"{v:.5f}" if isinstance(v, float) else str(v)) for v in values]

    return key


def _same(mine: object, theirs: object) -> bool:
    """Equal, NULL only to NULL; sums are kept to nine decimals and may differ in the last one."""
    if isinstance(mine, float) and isinstance(theirs, (int, float)):
        return math.isclose(mine, theirs, rel_tol=1e-8, abs_tol=1e-8) or (
            math.isnan(mine) and math.isnan(theirs)
        )
    return mine == theirs


@pytest.fixture(scope="module")
def both(tmp_path_factory, shared: Path, commands):
    folder = tmp_path_factory.mktemp("bigquery")
    project = Project(parsed_project(shared, commands), commands).clone(folder / "project")
    (folder / "home").mkdir()
    with running(folder / "home") as emulator:
        yield Both(project, emulator)


@pytest.mark.slow
def test_every_table_is_the_same_on_both_engines(both: Both) -> None:
    found = both.project.query(
        "select table_name as name from information_schema.tables where table_schema = current_schema()"
    )
    tables = {row["name"] for row in found} - INPUTS - TOO_LONG_TO_FETCH
    assert len(tables) >= 35
    different = {table: both.differences(table)[:5] for table in sorted(tables)}
    assert {table: found for table, found in different.items() if found} == {}


@pytest.mark.slow
def test_the_comparison_is_about_something(both: Both) -> None:
    for table in ("schedule_recommendations_messages", "rejected_rows", "creator_processing_errors"):
        assert both.emulator.query(f"select count(*) as n from {table}")[0]["n"] > 0, table
    assert _same(1.0, 1.0 + 1e-7) is False
    assert _same(None, 0.0) is False


@pytest.mark.slow
def test_the_verdicts_are_the_same(both: Both) -> None:
    for own, there in both.verdicts.values():
        for key in ("status", "creators_failed", "messages_scheduled", "creator_errors", "rejected_rows"):
            assert own[key] == there[key], key


@pytest.mark.slow
def test_the_reading_commands_read_bigquery(both: Both) -> None:
    env = {**both.emulator.env, "DBT_TARGET": "emulator"}
    rows = both.project.eros("schedule", "--json", env=env).json
    assert rows == both.project.eros("schedule", "--json").json
    page, day, slot = rows[0]["page_name"], rows[0]["schedule_id"][-8:], rows[0]["time_slot_rank"]
    explained = both.project.eros(
        "explain", page, f"{day[:4]}-{day[4:6]}-{day[6:]}", str(slot), "--json", env=env
    ).json
    assert explained["caption_id"] == rows[0]["caption_id"]
    chosen = both.project.eros("select", page, "--json", env=env).json
    assert [row["caption_id"] for row in chosen] == [
        row["caption_id"] for row in both.project.eros("select", page, "--json").json
    ]
