"""What a scheduled run may read: of a partitioned table only the look-back, by a constant bound.

BigQuery bills a partition unless a constant predicate on the partition column leaves it out. The
statements are those that the real adapter sent for the three schedules.
"""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

import sqlglot
from sqlglot import exp

from tests.python.oracle import local_date
from tests.python.test_bigquery_sql import manifest
from tests.python.twins import Twins

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

COMPARISONS = (exp.GTE, exp.GT, exp.EQ, exp.Between)
# The oldest date that any rule looks at: beliefs look back 180 days, the statistics 90 + 30 for medians.
OLDEST_DAYS = 180 + 3
# (table, what reads it): read whole, for a reason.
READ_WHOLE = {
    ("mass_messages_checked", "input_reconciliation"): "counts every row read, from four short columns",
    ("mass_messages_checked", "rejected_rows"): "a row rejected at any time may still be mended",
    ("mass_messages_checked", "stg_mass_messages"): "a view: creating it reads nothing",
    ("caption_bandit_stats", "*"): "its partitions expire after 90 days, so all of it is the window",
    ("mass_messages_checked", "stg_restriction_rows"): "a page that ever sent: two short columns",
    ("etl_job_runs", "pending_messages"): "a row per run",
    ("mass_messages_checked", "mass_messages_checked"): "a row_id counts once for ever: two short columns",
    ("schedule_recommendations_messages", "schedule_messages_have_exactly_18_columns"): "where false",
    ("active_caption_assignments", "*"): "an active lock of any age must be swept",
    ("etl_job_runs", "hook"): "a dead run of any age must be closed; a row per run",
    ("lock_sweep_log", "hook"): "a row per sweep",
    ("lock_sweep_log", "caption_lock_summary"): "a row per sweep",
    ("automation_alerts", "*"): "a row per alert",
    ("alert_deliveries", "*"): "a row per attempt, and they expire",
    ("etl_job_runs", "health_run_figures"): "a view: creating it reads nothing; a row per run",
    ("lock_sweep_log", "health_state_figures"): "a view: creating it reads nothing; a row per sweep",
    ("learning_log", "health_input_figures"): "a view: creating it reads nothing; a row per run",
    ("mass_messages_checked", "health_input_figures"): "a view: the same bound",
    ("schedule_recommendations", "report_creators"): "a view: creating it reads nothing",
    ("schedule_recommendations_messages", "report_creators"): "a view: creating it reads nothing",
    ("creator_processing_errors", "report_creators"): "a view: creating it reads nothing",
    ("schedule_recommendations", "report_days"): "a view: creating it reads nothing",
    ("schedule_recommendations", "report_messages"): "a view: creating it reads nothing",
    ("schedule_recommendations_messages", "report_messages"): "a view: creating it reads nothing",
}


def partition_columns(twins: Twins) -> dict[str, str]:
    """The partition column of every partitioned table, and of the view that passes one on."""
    nodes = manifest(twins, "target-emulator")["nodes"].values()
    models = {
        n["name"]: n["config"]["partition_by"]["field"] for n in nodes if n["config"].get("partition_by")
    }
    created = "\n".join(sql for sql in twins.statements["first build"] if "create table if not exists" in sql)
    state = dict(re.findall(r"`(\w+)` \(\s.*?partition by (?:date\()?(\w+)", created, re.S))
    assert {"message_outcomes", "caption_bandit_stats", "schedule_recommendations_messages"} <= set(models)
    assert {"active_caption_assignments", "etl_job_runs"} <= set(state)
    return {**models, **state, "stg_mass_messages": models["mass_messages_checked"]}


def unbounded(sql: str, columns: dict[str, str], oldest: date) -> list[str]:
    """The partitioned tables that a statement reads without a constant lower bound, or with an old one."""
    found = []
    for table in sqlglot.parse_one(sql, read="bigquery").find_all(exp.Table):
        if table.name not in columns or isinstance(table.parent, (exp.Create, exp.Schema, exp.Insert)):
            continue
        reader = table.find_ancestor(exp.Select, exp.Merge, exp.Update, exp.Delete)
        bounds = [bound for bound in constant_bounds(reader, columns[table.name]) if bound >= oldest]
        if not bounds:
            found.append(table.name)
    return found


def constant_bounds(reader: exp.Expression, column: str) -> list[date]:
    """The dates in constant lower bounds on a column, in the clauses that choose rows."""
    clauses = reader if isinstance(reader, exp.Merge) else reader.args.get("where")
    dates = []
    for comparison in clauses.find_all(*COMPARISONS) if clauses else ():
        if not isinstance(comparison.this, exp.Column) or comparison.this.name != column:
            continue
        bound = comparison.args.get("low") or comparison.expression
        literals = [literal.name for literal in bound.find_all(exp.Literal)]
        if not list(bound.find_all(exp.Column)) and literals:
            dates += [
                date.fromisoformat(text[:10]) for text in literals if re.match(r"\d{4}-\d\d-\d\d", text)
            ]
    return dates


def test_a_scheduled_run_reads_the_look_back_only(twins: Twins) -> None:
    columns = partition_columns(twins)
    oldest = local_date(twins.days[1]) - timedelta(days=OLDEST_DAYS)
    wrong, looked_at = set(), 0
    for sql in twins.statements["schedules"]:
        node = json.loads(re.search(r"/\* (\{.*?\}) \*/", sql)[1])["node"]
        for table in unbounded(sql, columns, oldest):
            reasons = {(table, node), (table, "*")} & set(READ_WHOLE)
            wrong |= set() if reasons else {(table, node)}
        looked_at += 1
    assert looked_at > 100
    assert wrong == set()


def test_the_check_sees_a_missing_or_a_moving_bound() -> None:
    columns, oldest = {"outcomes": "day"}, date(2025, 6, 1)
    read = "select * from outcomes where {}"
    assert unbounded(read.format("day >= date '2025-06-10'"), columns, oldest) == []
    assert (
        unbounded(read.format("day between date '2025-06-10' and date '2025-06-12'"), columns, oldest) == []
    )
    for condition in ("true", "day >= other_day", "day <= date '2025-06-10'", "day >= date '2020-01-01'"):
        assert unbounded(read.format(condition), columns, oldest) == ["outcomes"], condition


def test_how_much_of_the_history_a_run_reads(twins: Twins, record_property) -> None:
    """Printed for whoever pays: the share of messages that an incremental run evaluates anew."""
    [outcomes] = twins.project.query(
        "select count(*) as n, count(*) filter (sending_date > max_date - 8) as recent"
        " from message_outcomes cross join (select max(sending_date) as max_date from message_outcomes)"
    )
    share = outcomes["recent"] / outcomes["n"]
    record_property("checked", f"an incremental run rewrites {share:.0%} of the outcomes")
    assert 0 < share < 0.5


def test_a_dry_run_asks_bigquery_what_each_query_would_bill(twins: Twins) -> None:
    env = {**twins.emulator.env, "DBT_TARGET_PATH": "target-emulator"}
    flags = ("--dry-run", "--target", "emulator")
    before = len(twins.emulator.statements())
    changes = ("create ", "merge ", "insert ", "update ", "delete ", "drop ", "alter ")
    plan = twins.project.run("daily", *flags, as_of=twins.days[1], env=env).json
    cost = plan["cost"]
    asked = [sql.split("*/")[1].strip().lower() for sql in twins.emulator.statements()[before:]]
    assert [sql for sql in asked if sql.startswith(changes)] == []
    billed = {statement["name"]: statement["bytes"] for statement in cost["statements"]}
    assert set(plan["nodes"]["model"]) <= set(billed)
    assert all(isinstance(size, int) for size in billed.values()), cost
    assert cost["bytes"] == sum(billed.values())
    assert cost["usd"] == round(cost["bytes"] / 2**40 * 6.25, 6)
    shown = twins.project.eros("run", "daily", *flags, "--as-of", twins.days[1].isoformat(), env=env).stdout
    assert "what BigQuery would bill" in shown
