"""The creators, and what they do not want."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa

from eros_dbt_runner.sample_data.bank import BUMP, SCHEDULABLE_STATUSES, TIERS, Bank
from eros_dbt_runner.sample_data.files import SCHEMAS
from eros_dbt_runner.sample_data.words import CATEGORIES, PAGE_FIRST, PAGE_SECOND, PATTERNS

# Which tiers a page sends: one row per kind of page, from cheap to dear.
_TIER_SHARES_BY_STYLE = (
    (0.68, 0.11, 0.01, 0.20, 0.0, 0.0),
    (0.25, 0.38, 0.15, 0.20, 0.01, 0.01),
    (0.05, 0.15, 0.58, 0.20, 0.01, 0.01),
)
# Fans of a page (from, to) and messages a week, per account size from MICRO to MEGA.
_AUDIENCES = ((350, 900), (1_400, 4_500), (5_800, 18_000), (23_000, 45_000), (58_000, 120_000))
_WEEKLY_MESSAGES = (10, 14, 20, 28, 37)


@dataclass(frozen=True)
class Pages:
    """Creators; every array has one entry per page."""

    names: list[str]
    audience: np.ndarray  # fans
    share: np.ndarray  # of all messages
    tier_shares: np.ndarray  # pages x tiers, cumulated
    view_rate: np.ndarray
    purchase_level: np.ndarray  # log of the purchases per view at 18 dollars
    peak_hour: np.ndarray  # local hour at which fans buy most
    tired: np.ndarray  # bool; fans have had enough for a week
    repertoire: list[np.ndarray]  # per tier: pages x slots, caption numbers, best liked first
    pair_salt: np.uint64


def make_pages(rng: np.random.Generator, pages: int, bank: Bank, seed: int) -> Pages:
    """So many creators."""
    number = np.arange(pages)
    size = (2 * number + 2) % len(_AUDIENCES)  # MEDIUM first, then every size in turn
    smallest, largest = np.array(_AUDIENCES, float)[size].T
    audience = smallest * (largest / smallest) ** rng.random(pages)
    weight = np.array(_WEEKLY_MESSAGES, float)[size] * rng.uniform(0.9, 1.1, pages)
    view_rate = rng.uniform(0.35, 0.6, pages)
    # A bigger audience buys more in all, but less per fan.
    purchases = 0.75 * audience**0.3 * np.exp(rng.normal(0.0, 0.25, pages))
    caption_tier = bank.tier[bank.caption_text]
    return Pages(
        names=_page_names(rng, pages),
        audience=audience,
        share=weight / weight.sum(),
        tier_shares=np.cumsum(np.array(_TIER_SHARES_BY_STYLE)[number % 3], axis=1),
        view_rate=view_rate,
        purchase_level=np.log(purchases / (0.85 * audience * view_rate)),
        peak_hour=rng.integers(11, 23, pages),
        tired=rng.random(pages) < 0.15,
        repertoire=[
            _repertoire(rng, pages, np.flatnonzero(caption_tier == tier)) for tier in range(len(TIERS))
        ],
        pair_salt=np.uint64(seed % 2**32),
    )


def _page_names(rng: np.random.Generator, pages: int) -> list[str]:
    """Names such as `maple_river`; once every pair of words is taken, with a number behind."""
    pairs = [f"{first}_{second}" for first in PAGE_FIRST for second in PAGE_SECOND]
    order = rng.permutation(len(pairs))
    names = []
    for number in range(pages):
        lap, position = divmod(number, len(pairs))
        names.append(pairs[order[position]] + (f"_{lap + 1}" if lap else ""))
    return names


def _repertoire(rng: np.random.Generator, pages: int, captions: np.ndarray) -> np.ndarray:
    """The captions that each page uses. Some captions are liked everywhere, so pages overlap."""
    slots = int(np.clip(len(captions) // 3, 1, 250))
    liked = (len(captions) * rng.random((pages, slots)) ** 1.5).astype(np.int32)
    return captions.astype(np.int32)[liked]


def restricted_pages(pages: int) -> int:
    """How many of the pages have restrictions."""
    return round(0.6 * pages)


def restrictions_table(rng: np.random.Generator, pages: Pages, bank: Bank, last_second: int) -> pa.Table:
    """Rules of about 60 % of the pages, mild enough that each of them keeps enough captions."""
    schedulable = bank.caption_status < SCHEDULABLE_STATUSES
    tier = bank.tier[bank.caption_text]
    ppv_minimum = min(200, int(0.2 * np.count_nonzero(schedulable & (tier < BUMP))))
    bump_minimum = min(50, int(0.2 * np.count_nonzero(schedulable & (tier == BUMP))))
    defaults_hold = ppv_minimum == 200 and bump_minimum == 50

    def some(choices: tuple[str, ...], most: int) -> list[str]:
        return [str(choice) for choice in rng.choice(choices, rng.integers(0, most + 1), replace=False)]

    rows = []
    for page in np.sort(rng.choice(len(pages.names), restricted_pages(len(pages.names)), replace=False)):
        left_to_default = defaults_hold and rng.random() < 0.25
        rows.append(
            {
                "page_name": pages.names[page],
                "hard_patterns": some(PATTERNS, 3),
                "soft_patterns": some(PATTERNS, 2),
                "restricted_categories": some(tuple(CATEGORIES), 2),
                # Never a tier that the page has to send.
                "restricted_price_tiers": some(TIERS[BUMP + 1 :], 2),
                "applies_to_scope": str(rng.choice(["ALL", "PPV_ONLY", "BUMP_ONLY"], p=[0.7, 0.2, 0.1])),
                "min_ppv_pool": None if left_to_default else ppv_minimum,
                "min_bump_pool": None if left_to_default else bump_minimum,
                "is_active": bool(rng.random() < 0.9),
                "updated_at": datetime.fromtimestamp(
                    last_second - int(rng.integers(86_400, 90 * 86_400)), timezone.utc
                ),
                "version": int(rng.integers(1, 6)),
            }
        )
    return pa.Table.from_pylist(rows, SCHEMAS["creator_caption_restrictions"])
