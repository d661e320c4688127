"""The same numbers: GoogleSQL's reference evaluator against DuckDB, to 1e-12.

The functions over vectors and random inputs, and every model that the evaluator can run, as compiled
for production, over the rows that DuckDB built it from.
"""

from __future__ import annotations

import math
import random

import pytest

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.googlesql import Evaluator
from tests.python.harness import Row
from tests.python.test_bigquery_sql import (
    compile_for_production,
    given_tables,
    in_order,
    production_env,
    source_tables,
    typed_models,
)
from tests.python.test_texts import TEXT_MACROS
from tests.python.texts import PIECES, random_texts
from tests.python.twins import INPUTS, TOO_LONG_TO_FETCH, Twins, differences

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

# What design section 3 gives, and what every engine must give.
VECTORS = {
    "caption_key_v2('test message')": "3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728",
    "caption_key('test message')": "3f0a377ba0a4a460ecb616f6507ce0d8cfa3e704025d4fda3ed0c5ca05468728",
    "caption_key_v2('  test MESSAGE 123 🔥') = caption_key_v2('Test message 123!')": True,
    "caption_key_v2('🔥') = caption_key_v2('🌊')": False,
    "caption_key_v2('<p>test&nbsp;message</p>') = caption_key_v2('test message')": True,
    "caption_key_v2('x ❤️') = caption_key_v2('x ❤')": True,
    "caption_key_v2('❤️') = caption_key_v2('☀️')": False,
    "caption_key_v2('$5.00') = caption_key_v2('$500')": False,
    "caption_key_v2('1,500') = caption_key_v2('1500')": True,
    "caption_key_v2('tip <menu: $5> me') = caption_key_v2('tip menu 5 me')": True,
    "uniform_draw('a')": 224400693268251.5 / 4503599627370496,
    "wilson_score_bounds(50, 50).lower_bound": 0.40382982859,
    "wilson_score_bounds(50, 50).upper_bound": 0.59617017141,
    "wilson_score_bounds(50, 50).exploration_bonus": 0.099503719021,
    "wilson_score_bounds(10, 90).lower_bound": 0.055228541613,
    "wilson_score_bounds(10, 90).upper_bound": 0.174367304368,
    "wilson_score_bounds(1, 1).lower_bound": 0.094528654801,
    "wilson_score_bounds(0, 0).upper_bound": 1.0,
    "wilson_score_bounds(0, 5).lower_bound": 0.0,
    "wilson_sample(3, 4) between 0.1 and 0.8": True,
}
# Models that the evaluator cannot run, each with its reason; the emulator runs them all.
NOT_EVALUATED = {
    "health_checks": "shows the present, and two looks are two moments; its statuses are compared apart",
    "health_run_figures": "as health_checks",
    "health_input_figures": "as health_checks",
    "health_state_figures": "as health_checks",
    "alert_queue": "as health_checks",
    "mass_messages_checked": "reads the input as text, which no typed table holds the faults of",
    "caption_bank_checked": "as mass_messages_checked: a column of it is the whole row",
    "captions_checked": "as mass_messages_checked",
    "creator_caption_restrictions_checked": "as mass_messages_checked",
    "rejected_rows": "shows whole rows as JSON",
    "stg_caption_bank": "reads caption_bank_checked, which holds whole rows",
    "stg_captions": "reads captions_checked",
    "stg_creator_caption_restrictions": "what the evaluator gives of a table's empty array is NULL",
    "stg_restriction_rows": "reads creator_caption_restrictions_checked",
    "message_findings": "reads the input as text",
    "pending_messages": "shows what was published when it ran",
    "published_slots": "reads past dbt's graph, as pending_messages",
    "input_reconciliation": "reads the checked tables",
    "send_hour_patterns": "65,535 rows from nothing: minutes in the reference evaluator",
    "creator_send_hours": "reads send_hour_patterns",
    "schedule_recommendations": "selects what is not published yet: nothing, once it is",
    "schedule_recommendations_messages": "as schedule_recommendations",
}


@pytest.fixture(scope="module")
def functions(twins: Twins) -> list[str]:
    return [sql for sql in twins.statements["first build"] if "create or replace function `" in sql]


def test_the_vectors_hold_on_both_engines(twins: Twins, functions: list[str]) -> None:
    assert len(functions) == 6
    columns = ", ".join(f"{sql} as v{n}" for n, sql in enumerate(VECTORS))
    [theirs] = Evaluator(functions, {}).rows(f"select {columns}")
    [ours] = twins.project.query(f"select {columns}")
    for name, (sql, wanted) in zip(theirs, VECTORS.items(), strict=True):
        for value in (ours[name], theirs[name]):
            assert value == wanted or math.isclose(value, wanted, rel_tol=1e-11, abs_tol=1e-12), sql


def test_random_texts_have_the_same_keys_and_draws(twins: Twins, functions: list[str]) -> None:
    texts = [None, "", "  ", *PIECES, *random_texts(4000, 20250615)]
    rows = [{"n": n, "text": text} for n, text in enumerate(texts)]
    sql = (
        "select n, caption_key_v2(text) as k, caption_key(text) as old_k, uniform_draw(text) as u from texts"
    )
    evaluator = Evaluator(functions, {"texts": ({"n": "INT64", "text": "STRING"}, rows)})
    theirs = {row["n"]: row for row in evaluator.rows(sql)}
    ours = twins.project.query(
        sql.replace("from texts", "from (select unnest(?) as n, unnest(?) as text)"),
        [list(range(len(texts))), texts],
    )
    wrong = [(texts[row["n"]], row, theirs[row["n"]]) for row in ours if row != theirs[row["n"]]]
    assert len(ours) == len(texts)
    assert wrong == []


def test_random_texts_have_the_same_forms(twins: Twins) -> None:
    """The macros on texts that models render: names, visibility, what is held against patterns."""
    texts = ["", *PIECES, *random_texts(4000, 7)]
    flags = ("--quiet", "--inline", TEXT_MACROS)
    theirs_sql = twins.project.dbt(
        "compile", "--target", "production", *flags, env=production_env(twins)
    ).stdout
    ours_sql = twins.project.dbt("compile", *flags).stdout
    rows = [{"n": n, "text": text} for n, text in enumerate(texts)]
    evaluator = Evaluator([], {"texts": ({"n": "INT64", "text": "STRING"}, rows)})
    theirs = {row["n"]: row for row in evaluator.rows(theirs_sql)}
    given = "texts as (select unnest(?) as n, unnest(?) as text)"
    ours = twins.project.query(f"with {given} {ours_sql}", [list(range(len(texts))), texts])
    assert len(ours) == len(texts)
    assert [(texts[row["n"]], row, theirs[row["n"]]) for row in ours if row != theirs[row["n"]]] == []


def test_random_counts_have_the_same_bounds(twins: Twins, functions: list[str]) -> None:
    rng = random.Random(7)
    sizes = [0, 1, 2, 5, 100, 10**6, 10**12]
    counts = [None, *sizes, *(rng.randint(0, rng.choice(sizes[1:])) for _ in range(60))]
    rows = [
        {"n": n, "s": rng.choice(counts), "f": rng.choice(counts), "u": rng.random()} for n in range(3000)
    ]
    sql = """
        select n, wilson_draw(s, f, u) as d, wilson_score_bounds(s, f).lower_bound as l,
            wilson_score_bounds(s, f).upper_bound as h, wilson_score_bounds(s, f).exploration_bonus as e
        from counts
    """
    types = {"n": "INT64", "s": "INT64", "f": "INT64", "u": "FLOAT64"}
    theirs = {row["n"]: row for row in Evaluator(functions, {"counts": (types, rows)}).rows(sql)}
    columns = ", ".join(f"unnest(?) as {name}" for name in types)
    ours = twins.project.query(
        sql.replace("from counts", f"from (select {columns})"),
        [[row[name] for row in rows] for name in types],
    )
    assert len(ours) == len(rows)
    assert [row for row in ours if not _alike(row, theirs[row["n"]])] == []


def _alike(mine: Row, theirs: Row, tolerance: float = 1e-12) -> bool:
    return all(
        math.isclose(value, theirs[name], rel_tol=tolerance, abs_tol=tolerance)
        if isinstance(value, float) and theirs[name] is not None
        else value == theirs[name]
        for name, value in mine.items()
    )


def test_a_decimal_of_bigquery_has_nine_places() -> None:
    """Why exact_sum says `numeric` in production, where the emulator would take three places."""
    sql = "select cast(sum(cast(x as numeric)) as float64) as y from unnest([1.123456789]) as x"
    [row] = Evaluator([], {}).rows(sql)
    assert row["y"] == 1.123456789


def test_every_model_gives_the_same_rows(twins: Twins, functions: list[str], record_property) -> None:
    """Each model alone: from the rows that DuckDB has, so that no difference hides another."""
    content = compile_for_production(twins, "--full-refresh")
    nodes = content["nodes"]
    types = {**given_tables(nodes), **source_tables("operations"), **dict(typed_models(nodes))}
    tables = {
        name: (columns, twins.project.query(f"select {', '.join(columns)} from {name}"))
        for name, columns in types.items()
        # No model reads audit_log, and GoogleSQL reserves the names of its columns.
        if name not in INPUTS | TOO_LONG_TO_FETCH | {"audit_log"}
    }
    evaluator, different = Evaluator(functions, tables), {}
    models = [name for name in in_order(content) if nodes[name]["name"] not in NOT_EVALUATED]
    assert len(models) >= 18
    for model in models:
        name = nodes[model]["name"]
        sql, at_first = nodes[model]["compiled_code"], evaluator
        if (
            name == "first_caption_scores"
        ):  # it adds what it has not seen, and a full refresh keeps what it has
            at_first = Evaluator(functions, {**tables, name: (tables[name][0], [])})
        theirs = at_first.rows(sql)
        ours = tables[name][1]
        if name == "caption_bandit_stats":  # a full refresh dates every row anew, by the rules
            ours, theirs = ([{**row, "last_updated": None} for row in rows] for rows in (ours, theirs))
        different[name] = differences(ours, theirs)
    record_property("checked", f"{len(models)} models and 6 functions by GoogleSQL's evaluator")
    assert {name: found for name, found in different.items() if found} == {}
