"""The SQL against a second implementation of the rules, over random histories.

oracle.py was written from the rules alone, by somebody who had not read the SQL. Each history has
shared texts, wrong and late rows, clock changes, quiet pages, locks in every state; what the models
make of it must be what the oracle makes of it.
"""

import itertools
import math
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.python import histories, oracle
from tests.python.harness import Project

Row = dict[str, Any]


def assert_same(actual: Any, expected: Any, where: str) -> None:
    """Equal, NULL included; floats to nine digits, which is what the exact sums keep."""
    if isinstance(expected, float) and isinstance(actual, float):
        assert math.isclose(actual, expected, rel_tol=1e-7, abs_tol=2e-8), f"{where}: {actual} != {expected}"
    else:
        assert actual == expected, f"{where}: {actual!r} != {expected!r}"


def assert_same_rows(actual: dict, expected: dict, columns: list[str], what: str) -> None:
    assert set(actual) == set(expected), f"{what}: {sorted(set(actual) ^ set(expected))[:5]}"
    for key, row in expected.items():
        for column in columns:
            assert_same(actual[key][column], row[column], f"{what} {key} {column}")


def naive(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc).replace(tzinfo=None)


def foreign_locks(history: histories.History, seed: int) -> list[Row]:
    """Locks in every state that other schedules and people left."""
    return [
        {**row, "schedule_id": f"by_hand_{number}"}
        for number, row in enumerate(histories.random_assignments(history, seed))
    ]


def insert_locks(project: Project, locks: list[Row]) -> None:
    for lock in locks:
        columns = ", ".join(lock)
        marks = ", ".join("?" for _ in lock)
        project.execute(
            f"insert into active_caption_assignments ({columns}) values ({marks})", list(lock.values())
        )


def check_learning(project: Project, truth: oracle.Oracle) -> None:
    for source, (read, accepted, rejected) in truth.reconciliation().items():
        [row] = project.query("select * from input_reconciliation where source_name = ?", [source])
        assert (row["rows_read"], row["rows_accepted"], row["rows_rejected"]) == (read, accepted, rejected)
        assert row["rows_in_source"] == read

    outcomes = {row["row_id"]: row for row in project.table("message_outcomes")}
    expected = {o.row_id: {**vars(o), "sending_time": naive(o.sending_time)} for o in truth.outcomes}
    columns = [c for c in next(iter(outcomes.values())) if c in next(iter(expected.values()))]
    assert {"caption_id", "is_success", "emv", "page_median_emv", "price", "typical_value"} <= set(columns)
    assert_same_rows(outcomes, expected, columns, "outcome")

    stats = {(row["page_name"], row["caption_id"]): row for row in project.table("caption_bandit_stats")}
    expected = {
        (row["page_name"], row["caption_id"]): {
            **row, "last_used": naive(row["last_used"]), "last_updated": naive(row["last_updated"]),
        }
        for row in truth.bandit_stats()
    }  # fmt: skip
    assert_same_rows(stats, expected, list(next(iter(stats.values()))), "statistics")
    assert sum(row["total_observations"] for row in stats.values()) == len(truth.window)

    check_beliefs(project, truth)


def check_beliefs(project: Project, truth: oracle.Oracle) -> None:
    variances = {row["quantity"]: row for row in project.table("belief_variances")}
    assert set(variances) == set(truth.beliefs)
    for quantity, belief in truth.beliefs.items():
        for name in ("message_variance", "total_variance", "caption_variance", "pair_variance"):
            assert_same(variances[quantity][name], float(getattr(belief, name)), f"{name} of {quantity}")
        assert variances[quantity]["are_bumps_priced"] == truth.bumps_are_priced
        assert_same(variances[quantity]["priced_level"], belief.level("", "priced"), f"level of {quantity}")
        assert_same(variances[quantity]["bump_level"], belief.level("", "bump"), f"level of {quantity}")
    [trust] = project.table("score_trust")
    assert_same(trust["score_slope"], truth.score_slope, "slope of the score")
    assert_same(trust["prior_variance"], truth.beliefs["value"].prior_variance, "prior variance")
    cells = project.table("cell_beliefs")
    assert {(row["quantity"], row["page_name"], row["caption_id"]) for row in cells} == {
        (quantity, *place) for quantity, belief in truth.beliefs.items() for place in belief.cells
    }
    for row in cells:
        believed = truth.beliefs[row["quantity"]].posterior(row["page_name"], row["caption_id"])
        for ours, theirs in zip((row["posterior_mean"], row["posterior_sd"]), believed, strict=True):
            assert_same(ours, theirs, f"belief {row}")
    for row in project.table("page_beliefs"):
        page = row["page_name"]
        assert_same(row["page_level"], truth.beliefs["value"].level(page, "priced"), f"level of {page}")
        assert_same(row["page_median_emv"], truth.page_median(page), f"median of {page}")
        assert_same(row["exploration_width"], truth.widths.get(page, 1.0), f"width of {page}")


def check_schedule(project: Project, truth: oracle.Oracle) -> None:
    plans = {row["page_name"]: row for row in project.table("creator_day_plan")}
    assert sorted(plans) == truth.active_pages()
    failed = {
        row["page_name"]
        for row in project.query("select page_name from creator_checks where check_status = 'failed'")
    }
    assert failed == {page for page in plans if truth.faults(page)}
    published = 0
    for page, plan in plans.items():
        wanted = truth.plan(page)
        assert plan["account_size"] == wanted.size.name
        assert plan["behavioral_segment"] == wanted.segment
        assert {tier: plan[f"num_{tier}"] for tier in oracle.TIERS} == wanted.quotas, page
        assert plan["message_count"] == truth.message_count(page), page
        if page in failed:
            assert not project.query("select 1 from schedule_recommendations where page_name = ?", [page])
            continue
        published += check_page(project, truth, page)
    is_over = not oracle.hours_left(truth.execution_date, truth.as_of)
    assert published or is_over, "a history that schedules nothing shows nothing"


def check_page(project: Project, truth: oracle.Oracle, page: str) -> int:
    scores = {
        row["caption_id"]: row
        for row in project.query("select * from caption_scores where page_name = ?", [page])
    }
    expected = {row["caption_id"]: row for row in truth.scores(page)}
    assert set(scores) == set(expected), f"pool of {page}"
    for caption_id, row in expected.items():
        for ours, theirs in {
            "quantity": "quantity", "outcome_count": "outcome_count",
            "posterior_mean": "mean", "posterior_sd": "sd", "opens_lift": "lift",
            "page_level": "level", "exploration_width": "width", "is_stand_in": "is_stand_in",
            "uniform_draw": "u", "draw": "draw",
            "thompson": "thompson", "diversity": "diversity", "value": "value",
            "budget_penalty": "budget_penalty", "is_soft_restricted": "is_discouraged",
        }.items():  # fmt: skip
            assert_same(scores[caption_id][ours], row[theirs], f"{ours} of {caption_id} on {page}")
    hours = project.query("select * from creator_send_hours where page_name = ?", [page])
    chosen = project.query(
        "select * from schedule_recommendations where page_name = ? order by selection_rank", [page]
    )
    selection = truth.sent(page)
    assert [row["caption_id"] for row in chosen] == [row["caption_id"] for row in selection]
    assert [row["selection_kind"] == "chance" for row in chosen] == [row["is_by_chance"] for row in selection]
    for row, wanted in zip(chosen, selection, strict=True):
        assert_same(row["score"], wanted["score"], f"score of {row['caption_id']} on {page}")
        moment = oracle.hour_to_utc(truth.execution_date, row["send_hour"])
        assert row["scheduled_send_time"] == naive(moment)
    lifts = truth.hour_lifts(page)
    for row in hours:
        assert_same(row["hour_lift"], lifts[row["send_hour"]], f"hour {row['send_hour']} of {page}")
    wanted_hours = oracle.best_hours(
        oracle.rank_hours(lifts), len(hours), truth.plan(page).size.gap,
        oracle.hours_left(truth.execution_date, truth.as_of),
    )  # fmt: skip
    assert [
        row["send_hour"] for row in sorted(hours, key=lambda row: row["slot_quality_rank"])
    ] == wanted_hours
    best_first = [row["send_hour"] for row in sorted(hours, key=lambda row: row["slot_quality_rank"])]
    assert [row["send_hour"] for row in chosen] == best_first[: len(chosen)]
    slots = sorted(chosen, key=lambda row: row["time_slot_rank"])
    assert [row["send_hour"] for row in slots] == sorted(row["send_hour"] for row in chosen)
    gaps = [later["send_hour"] - earlier["send_hour"] for earlier, later in itertools.pairwise(slots)]
    assert all(gap >= truth.plan(page).size.min_gap_hours for gap in gaps)
    return len(chosen)


@pytest.mark.parametrize(
    ("policy", "seed"), [*(("pooled", seed) for seed in range(1, 7)), ("wilson", 1), ("wilson", 2)]
)
def test_models_agree_with_the_oracle(project: Project, seed: int, policy: str) -> None:
    share = 0.02 if policy == "wilson" else seed / 10
    project.edit("dbt_project.yml", "holdout_share: 0.02", f"holdout_share: {share}")
    if policy == "wilson":
        project.edit("dbt_project.yml", "caption_policy: pooled", "caption_policy: wilson")
    history = histories.make_history(
        seed, pages=5, captions=150, messages=700, broken_pages=seed % 2, texts_across_tiers=True
    )
    locks = foreign_locks(history, seed)
    seen_at = history.as_of - timedelta(days=20)
    truth = oracle.Oracle(
        history.tables,
        history.as_of,
        locks,
        rules=oracle.Rules(caption_policy=policy, holdout_share=share),
        scores_seen_at=seen_at,
    )
    # A history holds more wrong rows than a run takes by default.
    project.edit("dbt_project.yml", "max_rejected_share: 0.05", "max_rejected_share: 1")
    project.write_inputs({**history.tables, "mass_messages": history.at(seen_at)["mass_messages"]})
    project.dbt("run", "--select", "+first_caption_scores", env={"EROS_AS_OF": seen_at.isoformat()})
    project.write_inputs(history.tables)
    # A wrong row may come in with a date of long ago, which only a full refresh reads.
    project.run("performance", "--full-refresh", as_of=history.as_of, code=None)
    check_learning(project, truth)
    insert_locks(project, locks)
    project.run("daily", as_of=history.as_of, code=None)
    check_schedule(project, truth)
