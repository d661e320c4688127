"""The policies in seeds/ are those of the contract, number by number, as the oracle has them."""

from __future__ import annotations

import csv
from fractions import Fraction

from tests.python import oracle
from tests.python.harness import ROOT


def seed(name: str) -> list[dict[str, str]]:
    with (ROOT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_volume_policy_is_the_oracles() -> None:
    names = ("min_audience", "weekly_ppv", "weekly_bump", "min_gap_hours", "daily_maximum")
    found = [(row["account_size"], *(Fraction(row[name]) for name in names)) for row in seed("volume_policy")]
    assert found == [(size.name, *(getattr(size, name) for name in names)) for size in oracle.SIZES]


def test_tier_mix_is_the_oracles() -> None:
    rows = seed("tier_mix")
    segments = [(row["behavioral_segment"], Fraction(row["min_revenue_weighted_price"])) for row in rows]
    assert segments == list(oracle.SEGMENTS)
    for row in rows:
        shares = {tier: Fraction(row[f"{tier}_share"]) for tier in oracle.PPV_TIERS}
        assert shares == oracle.TIER_MIX[row["behavioral_segment"]]
        assert sum(shares.values()) == 1
