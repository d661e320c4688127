"""`eros verify` on BigQuery's emulator: the verdicts of DuckDB, and what is wrong is seen there too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from eros_dbt_runner.declarations.files import Declarations
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Target
from eros_dbt_runner.verification import Deployment
from eros_dbt_runner.verification import verify as look
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.bigquery import _type
from eros_dbt_runner.warehouse.catalogue import Catalogue, Column
from tests.python.emulator import PROJECT, Emulator
from tests.python.harness import ROOT, SCHEMA, Result
from tests.python.twins import TARGET, Twins

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]


def verify(twins: Twins, *arguments: str, code: int | None = None) -> Result:
    return twins.project.eros("verify", *arguments, "--json", code=code, env=twins.emulator.env)


def failed(result: Result) -> dict[str, str]:
    return {
        f"{r['category']}: {r['name']}": r["found"] for r in result.json["results"] if r["verdict"] == "FAIL"
    }


def layouts(statements: list[str]) -> dict[str, tuple[str | None, list[str]]]:
    """The partitioning and the clustering column of every table, as the adapter's statements ask for them."""
    found = {}
    for sql in statements:
        table = re.search(
            r"create (?:or replace )?table (?:if not exists )?`[^`]+`\.`\w+`\.`(\w+)`", sql, re.I
        )
        partition = re.search(r"partition by (?:\w+\()?(\w+)", sql, re.I)
        cluster = re.search(r"cluster by ([a-z_]+(?:, *[a-z_]+)*)", sql, re.I)
        if table and (partition or cluster):
            columns = cluster[1].replace(" ", "").split(",") if cluster else []
            found[table[1]] = (partition[1] if partition else None, columns)
    return found


def set_layout(
    emulator: Emulator, name: str, partition: str | None, cluster: list[str], days: float | None = None
) -> None:
    """Tell the emulator a table's layout by the API: of a statement it keeps little of it.

    Without `days` the expiry stays, which it does keep.
    """
    from google.cloud import bigquery

    table = emulator.client.get_table(f"{PROJECT}.{SCHEMA}.{name}")
    known = table.time_partitioning.expiration_ms if table.time_partitioning else None
    expiry = known if days is None else int(days * 86_400_000)
    table.time_partitioning = bigquery.TimePartitioning(field=partition, expiration_ms=expiry)
    table.clustering_fields = cluster
    emulator.client.update_table(table, ["time_partitioning", "clustering_fields"])


@pytest.fixture(scope="module")
def laid_out(twins: Twins) -> Twins:
    """The twins, whose tables on the emulator are stored as the statements that made them say."""
    tables = {table.table_id for table in twins.emulator.client.list_tables(f"{PROJECT}.{SCHEMA}")}
    for name, (partition, cluster) in layouts(twins.emulator.statements()).items():
        if name in tables:
            set_layout(twins.emulator, name, partition, cluster)
    return twins


def test_the_verdicts_are_those_of_duckdb(laid_out: Twins, record_property) -> None:
    there = verify(laid_out, *TARGET)
    own = verify(laid_out)
    assert failed(there) == failed(own) == {}
    assert there.code == own.code == ExitCode.OK
    assert there.json["target"] == "emulator"
    checks = [[(r["category"], r["name"]) for r in result.json["results"]] for result in (own, there)]
    assert checks[0] == checks[1]
    record_property("checked", f"{len(checks[0])} checks of eros verify")


def test_how_tables_are_stored_is_looked_at(laid_out: Twins) -> None:
    """DuckDB stores nothing by partitions, so that this is the place to break it."""
    changes: dict[str, tuple[str | None, list[str], float | None]] = {
        "message_outcomes": ("sending_date", ["row_id", "page_name"], None),
        "etl_job_runs": ("job_end_time", ["job_name", "job_status"], None),
        "caption_bandit_stats": ("last_updated", ["page_name", "caption_id", "last_used"], 30),
    }
    right = layouts(laid_out.emulator.statements())
    for name, (partition, cluster, days) in changes.items():
        set_layout(laid_out.emulator, name, partition, cluster, days)
    try:
        found = failed(verify(laid_out, *TARGET, code=ExitCode.CHECK_FAILED))
    finally:
        for name in changes:
            days = 90 if name == "caption_bandit_stats" else None
            set_layout(laid_out.emulator, name, *right[name], days)
    assert found == {
        "schemas: clustering": "message_outcomes is clustered by row_id, page_name"
        " and should be by page_name, row_id",
        "schemas: partitioning": "etl_job_runs is partitioned by job_end_time"
        " and should be by job_start_time",
        "schemas: expiry of partitions": "partitions of caption_bandit_stats expire after 30 days"
        " and should after 90 days",
    }


def deploy_again(emulator: Emulator, name: str) -> None:
    """Give a function back the body that the adapter last sent."""
    made = f"create or replace function `{PROJECT}.{SCHEMA}.{name}`"
    [*_, deployed] = [sql for sql in emulator.statements() if made in sql]
    emulator.query(deployed)


def test_what_is_broken_is_what_fails(laid_out: Twins) -> None:
    emulator, dataset = laid_out.emulator, f"{PROJECT}.{SCHEMA}"
    kept = emulator.query("select * from holiday_calendar where holiday_date = date '2025-06-19'")
    assert len(kept) == 1
    for sql in (
        f"drop function `{dataset}.wilson_draw`",
        f"create or replace function `{dataset}.caption_key` (message STRING) returns STRING"
        " as (to_hex(md5(message)))",
        "delete from holiday_calendar where holiday_date = date '2025-06-19'",
        # Made anew, because what is altered stays as it was in the emulator's INFORMATION_SCHEMA.
        f"create table {SCHEMA}.kept as select * from {SCHEMA}.tier_mix",
        f"create or replace table {SCHEMA}.tier_mix as select * except (mid_share) from {SCHEMA}.kept",
    ):
        emulator.query(sql)
    try:
        found = failed(verify(laid_out, *TARGET, code=ExitCode.CHECK_FAILED))
    finally:
        deploy_again(emulator, "wilson_draw")
        deploy_again(emulator, "caption_key")
        emulator.query(
            "insert into holiday_calendar values (date '2025-06-19', 'Juneteenth', 'FEDERAL', false, 1.0)"
        )
        emulator.query(f"create or replace table {SCHEMA}.tier_mix as select * from {SCHEMA}.kept")
        emulator.query(f"drop table {SCHEMA}.kept")
    assert emulator.query("select * from holiday_calendar where holiday_date = date '2025-06-19'") == kept
    assert set(found) == {
        "objects: functions exist", "functions: wilson_draw", "performance: wilson_draw",
        "functions: caption_key", "holidays: the 20 of each year", "schemas: columns of seeds",
    }, found  # fmt: skip
    assert found["holidays: the 20 of each year"] == "Juneteenth 2025 is missing"
    assert found["schemas: columns of seeds"] == "tier_mix.mid_share is missing"


def test_an_old_procedure_is_no_function(laid_out: Twins) -> None:
    """That of the old set-up is in the way of the table function that replaces it."""
    routine = f"{PROJECT}.{SCHEMA}.wilson_sample"
    laid_out.emulator.client.delete_routine(routine)
    laid_out.emulator.make_procedure("wilson_sample")
    try:
        found = failed(verify(laid_out, *TARGET, code=ExitCode.CHECK_FAILED))
    finally:
        laid_out.emulator.client.delete_routine(routine)
        deploy_again(laid_out.emulator, "wilson_sample")
    assert set(found) == {"objects: functions exist", "functions: wilson_sample"}
    assert "wilson_sample is a procedure and should be a function" in found["objects: functions exist"]


def test_bigquery_that_cannot_be_reached_is_told_in_one_sentence(twins: Twins) -> None:
    env = {"EROS_BIGQUERY_ENDPOINT": "http://127.0.0.1:9"}
    for command in ("verify", "schedule"):
        result = twins.project.eros(command, *TARGET, env=env, code=ExitCode.CANNOT_START)
        assert result.stderr.startswith("eros: BigQuery cannot be reached: ")
        assert len(result.stderr.splitlines()) == 1


# ---- what it asks, held against BigQuery's own language ----

SIGNATURES = {
    "caption_key_v2": "(message STRING) returns STRING",
    "caption_key": "(message STRING) returns STRING",
    "wilson_score_bounds": "(successes INT64, failures INT64) returns"
    " STRUCT<lower_bound FLOAT64, upper_bound FLOAT64, exploration_bonus FLOAT64>",
    "wilson_sample": "(successes INT64, failures INT64) returns FLOAT64",
    "wilson_draw": "(successes INT64, failures INT64, u FLOAT64) returns FLOAT64",
    "uniform_draw": "(key STRING) returns FLOAT64",
}
SELECT_CAPTIONS = (
    "(page STRING, segment STRING, budget INT64, mid INT64, premium INT64, bump INT64)"
    f" as (select * from `{PROJECT}`.`{SCHEMA}`.`selected_captions`)"
)


class Recorder(Warehouse):
    """Takes every statement down, with typed NULLs for its parameters, and answers the few that lead on."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def close(self) -> None:
        """Nothing is open."""

    def function(self, name: str) -> str:
        return f"`{PROJECT}`.`{SCHEMA}`.`{name}`"

    def catalogue(self) -> Catalogue:
        raise AssertionError("not asked in SQL of ours")

    def objects(self) -> set[Any]:
        raise AssertionError("verify asks the catalogue")

    def definitions(self) -> list[dict[str, Any]]:
        raise AssertionError("verify reads no definition")

    def drop(self, objects: Any) -> None:
        raise AssertionError("verify writes nothing")

    def check(self, sql: str) -> None:
        self.asked.append(sql)

    def rows(self, sql: str, parameters: Sequence[Any] = (), *_: Any, **__: Any) -> list[dict[str, Any]]:
        for value in parameters:
            sql = sql.replace("?", f"cast(null as {_type(value)})", 1)
        self.asked.append(sql)
        if (" as day" in sql and "_log" in sql) or "max(schedule_date)" in sql:
            return [{"day": date(2025, 6, 15), "sweeps": 1, "messages": 1, "wrong": 0, "left_active": 0}]
        if "from selected_captions" in sql:
            return []
        if "as moments" in sql:
            return []
        raise ErosError("nothing is known", ExitCode.RUN_FAILED)


def test_what_is_asked_is_valid_in_bigquerys_language() -> None:
    """Every statement but those to INFORMATION_SCHEMA, by Google's own analyser."""
    from tests.python.googlesql import GoogleSql
    from tests.python.test_bigquery_sql import problems

    declared = Declarations(ROOT, "bigquery")
    tables = {
        # A column that holds a whole input row is not asked for.
        relation.name: {
            name: "STRING" if kind in (None, "STRUCT") else kind for name, kind in relation.columns.items()
        }
        for relation in declared.relations.values()
    }
    analyser = GoogleSql(tables)
    functions = [
        f"create function `{PROJECT}`.`{SCHEMA}`.`{name}` {signature} as (null)"
        for name, signature in SIGNATURES.items()
    ]
    selection = (
        f"create table function `{PROJECT}`.`{SCHEMA}`.`select_captions_for_creator` {SELECT_CAPTIONS}"
    )
    assert problems(analyser, [*functions, selection]) == []
    recorder = Recorder()
    there = Catalogue(
        {name: tuple(Column(c, kind) for c, kind in columns.items()) for name, columns in tables.items()},
        declared.routines,
        has_partitions=True,
    )
    look(Deployment(Target("bigquery", "bigquery"), declared, recorder, there, 20))
    asked = [
        re.sub(rf"\b(from|join) ({'|'.join(tables)})\b", rf"\1 `{PROJECT}`.`{SCHEMA}`.`\2`", sql)
        for sql in recorder.asked
    ]
    assert len(asked) >= 40
    assert problems(analyser, asked) == []
    assert problems(analyser, [asked[-1].replace("uniform_draw", "no_such_function")]) != []
