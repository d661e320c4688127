"""One project that has been through the same on DuckDB and on BigQuery's emulator.

The same inputs, as they stood on two days, go through both engines by the same commands: a first
and a second `dbt build` on the first day, the three schedules on the second.
"""

from __future__ import annotations

import json
import math
from datetime import datetime, timedelta

from tests.python.emulator import Emulator
from tests.python.harness import Project, Row
from tests.python.histories import make_history
from tests.python.oracle import COLUMNS

# Only where inputs are files somebody has to note whose they are; a rule's digest is that of its SQL.
OF_ONE_ENGINE = {
    "project_state": " where fact not in ('inputs', 'is_shipped_sample', 'real_inputs', 'sample')"
    " and fact not like '%_keyed_by'",
}
TARGET = ("--target", "emulator")
# What names a run or measures it differs between any two runs, on one engine too;
# the digest of the rule for keys is that of its SQL, which each engine writes in its own way.
OF_THE_RUN = {
    "job_id", "job_start_time", "job_end_time", "job_duration_seconds", "sweep_id",
    "sweep_duration_seconds", "alert_id", "alert_time", "acknowledged_at", "error_time", "noted_at",
    "found_at", "caption_key_rule",
}  # fmt: skip
INPUTS = {"mass_messages", "caption_bank", "captions", "creator_caption_restrictions"}
# A constant list of hour sets; creator_send_hours shows what comes of it.
# Views of the present: two looks differ, whatever ran.
LIVE = {
    "health_run_figures", "health_input_figures", "health_state_figures", "health_checks", "alert_queue",
}  # fmt: skip
TOO_LONG_TO_FETCH = {"send_hour_patterns"}


class Twins:
    """The project, the emulator, and what each command answered on both."""

    def __init__(self, project: Project, emulator: Emulator) -> None:
        self.project, self.emulator = project, emulator
        # In tables this small the few bad rows are many.
        project.edit("dbt_project.yml", "max_rejected_share: 0.05", "max_rejected_share: 0.5")
        history = make_history(7, pages=5, captions=120, messages=500, bad_share=0.02, broken_pages=1)
        self.days = (history.as_of - timedelta(days=1), history.as_of)
        self._take(history.at(self.days[0]))
        self.statements: dict[str, list[str]] = {}
        for build in ("first build", "second build"):
            self._both("build", "--exclude-resource-type", "unit_test", program="dbt", day=self.days[0])
            self._note_statements(build)
        self._take(history.at(self.days[1]))
        self.verdicts = {
            name: self._both("run", name, "--json", program="eros", day=self.days[1])
            for name in ("performance", "daily", "sweep")
        }
        self._note_statements("schedules")

    def _note_statements(self, step: str) -> None:
        """Keep what the adapter has sent since the last step, in its order."""
        known = sum(map(len, self.statements.values()))
        self.statements[step] = self.emulator.statements()[known:]

    def _take(self, tables: dict[str, list[Row]]) -> None:
        self.project.write_inputs(
            {name: [row for row in rows if _fits(name, row)] for name, rows in tables.items()}
        )
        self.emulator.load(self.project.data_dir)

    def _both(self, *arguments: str, program: str, day: datetime) -> tuple[dict, dict]:
        env = {"EROS_AS_OF": day.isoformat()}
        own = self.project.start(*arguments, program=program, env=env).wait()
        there = self.project.start(
            *arguments, *TARGET, program=program,
            env={**env, **self.emulator.env, "DBT_TARGET_PATH": "target-emulator"},
        ).wait(timeout=900)  # fmt: skip
        assert own.code == there.code == 0, f"{own}\n{there}"
        return (own.json, there.json) if program == "eros" else ({}, {})

    def differences(self, table: str) -> list[str]:
        """What the two engines disagree about in a table; every row and column is looked at."""
        sql = f"select * from {table}{OF_ONE_ENGINE.get(table, '')}"
        return differences(self.project.query(sql), self.emulator.query(sql))


def differences(own: list[Row], there: list[Row]) -> list[str]:
    """What DuckDB's rows and BigQuery's rows of a table disagree about, in any order of rows."""
    columns = [name for name in (own or there or [{}])[0] if name not in OF_THE_RUN]
    if own and there and set(own[0]) != set(there[0]):
        return [f"columns {sorted(set(own[0]) ^ set(there[0]))}"]
    if len(own) != len(there):
        return [f"{len(own)} rows on DuckDB, {len(there)} on BigQuery"]
    sides = [sorted(map(_comparable, rows), key=_order(columns)) for rows in (own, there)]
    return [
        f"{name}: {mine[name]!r} on DuckDB, {theirs[name]!r} on BigQuery"
        for mine, theirs in zip(*sides, strict=True)
        for name in columns
        if not same(mine[name], theirs[name])
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


def same(mine: object, theirs: object) -> bool:
    """Equal, NULL only to NULL; sums are kept to nine decimals and may differ in the last one."""
    if isinstance(mine, float) and isinstance(theirs, (int, float)):
        return math.isclose(mine, theirs, rel_tol=1e-8, abs_tol=1e-8) or (
            math.isnan(mine) and math.isnan(theirs)
        )
    return mine == theirs
