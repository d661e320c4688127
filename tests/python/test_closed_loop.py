"""The closed loop of benchmarks/: what it says of the project is what `eros run` would do."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from benchmarks import closed_loop
from tests.python.harness import SCHEMA, Project, Row

TINY = replace(closed_loop.AGENCY, pages=4, captions=120)
# What is compared: all that decides, and what was decided.
DECIDING = (
    "message_outcomes", "belief_cells", "belief_variances", "page_levels", "caption_beliefs", "score_trust",
    "cell_beliefs", "page_beliefs", "hour_residuals", "schedulable_captions", "creator_day_plan",
    "page_tier_pools", "caption_candidates", "caption_scores", "creator_send_hours", "selected_captions",
    "schedule_recommendations", "active_caption_assignments",
)  # fmt: skip


def rows_of(database: Path, table: str) -> list[Row]:
    with duckdb.connect(str(database), read_only=True) as connection:
        found = connection.execute(f"select * from {SCHEMA}.{table}")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return sorted(({k: v for k, v in row.items() if k != "assigned_at"} for row in rows), key=repr)


@pytest.mark.slow
def test_its_tables_are_those_of_eros_run(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("EROS_DATA_DIR", "EROS_DUCKDB_PATH", "DBT_TARGET_PATH", "DBT_LOG_PATH", "EROS_AS_OF"):
        monkeypatch.setenv(name, "")
    agency = closed_loop.Agency(TINY, seed=1)
    loop = closed_loop.Project(tmp_path / "loop", agency)
    loop.begin(agency.warm_up())
    data = loop.folder / "data"
    for number in range(3):
        day = closed_loop.FIRST_DAY + timedelta(days=number)
        chosen = loop.plan(day)
        moment = closed_loop.morning(day)
        env = {"EROS_DATA_DIR": str(data)}
        project.run("performance", as_of=moment, env=env)
        if number == 0:
            project.dbt("seed", env=env)
            project.execute(f"delete from {SCHEMA}.holiday_calendar")
        project.dbt("run", "--select", "+schedule_recommendations", "--exclude", "resource_type:seed",
                    env={**env, "EROS_AS_OF": moment.isoformat()})  # fmt: skip
        for table in DECIDING:
            assert rows_of(loop.database, table) == rows_of(project.database, table), f"{table} on {day}"
        assert chosen
        loop.send(day, chosen)


def test_luck_does_not_depend_on_the_policy() -> None:
    agency = closed_loop.Agency(TINY, seed=1)
    day = closed_loop.FIRST_DAY
    first = agency.outcome(day, 0, 5, 12)
    agency.outcome(day, 1, 7, 9)
    assert agency.outcome(day, 0, 5, 12) == first
    assert closed_loop.Agency(TINY, seed=2).outcome(day, 0, 5, 12) != first


def test_what_is_earned_is_earned_in_the_mean() -> None:
    agency = closed_loop.Agency(replace(TINY, hour=0.0), seed=3)
    caption = int(np.flatnonzero(agency.tier == 1)[0])
    page = int(np.argmax(agency.audience))
    days = [closed_loop.FIRST_DAY + timedelta(days=n) for n in range(800)]
    earned = [agency.outcome(day, page, caption, 12)["earnings"] for day in days]
    # Luck of views, messages, days and payments lifts a mean by half of its variance.
    lift = math.exp((0.25**2 + 0.45**2 + 0.15**2 + 0.30**2) / 2)
    worth = float(agency.worth(page, np.array([caption]))[0])
    assert np.mean(earned) / (worth * lift) == pytest.approx(1, abs=0.1)


def test_all_obey_the_same_rules() -> None:
    agency = closed_loop.Agency(TINY, seed=1)
    slots = [closed_loop.Slot(page, tier, 12) for page in range(4) for tier in (0, 1, 3)]
    peers = dict(closed_loop.peers_of(agency, 1))
    assert len(peers) >= 3
    for player in (closed_loop.Random(agency, 1), closed_loop.Oracle(agency, 1), *peers.values()):
        sent: dict[int, list[int]] = {page: [] for page in range(4)}
        for number in range(8):
            for slot, caption in player.fill(closed_loop.FIRST_DAY + timedelta(days=number), slots):
                assert agency.tier[caption] == slot.tier
                assert agency.category[caption] != agency.refused[slot.page]
                assert caption not in sent[slot.page][-21:]
                sent[slot.page].append(caption)
        for captions in sent.values():
            assert sum(bool(agency.urgent[caption]) for caption in captions[-21:]) <= 7


def test_skill_is_the_share_of_the_gap() -> None:
    ledger = closed_loop.Ledger()
    ledger.earned |= {"random": 100.0, "oracle": 300.0, "eros": 240.0}
    assert ledger.skill("eros") == pytest.approx(0.7)
    assert ledger.skill("random") == 0
    assert closed_loop.best_hours(np.array([1.0, 5.0, 4.0, 3.0]), 2, 2) == 8


def test_the_oracle_earns_most() -> None:
    agency = closed_loop.Agency(TINY, seed=1)
    slots = [closed_loop.Slot(page, tier, 12) for page in range(4) for tier in (0, 1, 2)]
    earned = {}
    for policy in (closed_loop.Random, closed_loop.Oracle):
        chosen = policy(agency, 1).fill(closed_loop.FIRST_DAY, slots)
        earned[policy] = sum(agency.worth(slot.page, np.array([caption]))[0] for slot, caption in chosen)
    assert earned[closed_loop.Oracle] > 1.2 * earned[closed_loop.Random]


def test_every_world_can_be_made() -> None:
    for name, world in closed_loop.WORLDS.items():
        agency = closed_loop.Agency(replace(world, pages=3), seed=1)
        warm_up = agency.warm_up()
        assert warm_up, name
        assert all(0 <= m["purchased_count"] <= m["viewed_count"] <= m["sent_count"] for m in warm_up)
        assert len(agency.bank()) == world.captions
