"""The caption bank: texts, and the captions that use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from eros_dbt_runner.sample_data.files import pick, table
from eros_dbt_runner.sample_data.words import CALM_CLOSERS, CATEGORIES, CLOSERS, OPENERS

TIERS = ("budget", "mid", "premium", "bump", "vip", "custom")
BUMP = TIERS.index("bump")
_TIER_SHARES_OF_BANK = (0.27, 0.27, 0.18, 0.22, 0.03, 0.03)
TIER_PRICES = (  # US dollars
    (5.0, 7.0, 9.0, 12.0),
    (15.0, 18.0, 20.0, 25.0),
    (30.0, 35.0, 45.0, 60.0),
    (0.0, 0.0, 0.0, 0.0),
    (75.0, 80.0, 90.0, 100.0),
    (50.0, 75.0, 100.0, 120.0),
)
_USAGE_STATUSES = ("available", "moderate_recency", "recently_used", "retired")
_USAGE_SHARES = (0.62, 0.27, 0.07, 0.04)
SCHEDULABLE_STATUSES = 2
_COPIED_CAPTIONS = 0.165  # captions that repeat the text of another


@dataclass(frozen=True)
class Bank:
    """Texts, and the captions that use them.

    Texts are numbered: first those of the bank, then those of the legacy table alone, then those
    that only messages have. Captions are numbered from 0; their id is one more.
    """

    texts: list[str]
    category: np.ndarray  # per text, index into CATEGORIES
    urgent: np.ndarray  # per text, bool
    tier: np.ndarray  # per text, index into TIERS
    effect: np.ndarray  # per text, on log EMV
    caption_text: np.ndarray  # per caption, index into texts
    caption_status: np.ndarray  # per caption, index into _USAGE_STATUSES
    caption_revenue: np.ndarray  # per caption, US dollars
    caption_score: np.ndarray  # per caption, 0 to 1
    legacy_texts: range
    off_bank_texts: range


def make_bank(rng: np.random.Generator, captions: int) -> Bank:
    """A bank of so many captions."""
    originals = round(captions * (1 - _COPIED_CAPTIONS))
    legacy_only = captions // 10 - captions // 20
    off_bank = max(20, captions // 10)
    count = originals + legacy_only + off_bank
    texts, category, urgent = _make_texts(rng, count)
    # What was never a caption has a price in it: $5.00 is not $500.
    for number in range(originals + legacy_only, count):
        texts[number] += (" Only $5.00!", " Only $500!")[number % 2]

    # Exact shares among the texts of the bank, so that even a small one has every tier.
    quotas = np.round(np.cumsum(_TIER_SHARES_OF_BANK) * originals).astype(int)
    tier = np.searchsorted(quotas, np.arange(originals), side="right")
    tier = np.concatenate([rng.permutation(tier), rng.integers(0, BUMP + 1, count - originals)])
    effect = rng.normal(0.0, 0.5, count)

    # A few texts have most of the copies.
    copies = (originals * rng.random(captions - originals) ** 3).astype(int)
    caption_text = rng.permutation(np.concatenate([np.arange(originals), copies]))
    heard = effect[caption_text] + rng.normal(0.0, 0.4, captions)  # what the bank believes
    typical_price = np.array([np.mean(prices) for prices in TIER_PRICES])[tier[caption_text]]
    return Bank(
        texts=texts,
        category=category,
        urgent=urgent,
        tier=tier,
        effect=effect,
        caption_text=caption_text,
        caption_status=rng.choice(len(_USAGE_STATUSES), captions, p=_USAGE_SHARES),
        caption_revenue=np.round(typical_price * 4 * np.exp(heard / 2), 2),
        caption_score=np.round(1 / (1 + np.exp(-heard)), 4),
        legacy_texts=range(originals, originals + legacy_only),
        off_bank_texts=range(originals + legacy_only, count),
    )


def distinct_texts_available() -> int:
    """How many texts the words make."""
    bodies = sum(len(templates) * len(xs) * len(ys) for templates, xs, ys in CATEGORIES.values())
    return bodies * len(OPENERS) * len(CLOSERS)


def _make_texts(rng: np.random.Generator, count: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """`count` texts with different caption keys, the category of each and whether it is urgent."""
    bodies = [
        (number, _capitalised(template.format(x=x, y=y)))
        for number, (templates, xs, ys) in enumerate(CATEGORIES.values())
        for template in templates
        for x in xs
        for y in ys
    ]
    picks = rng.choice(distinct_texts_available(), count, replace=False)
    picks, closer = np.divmod(picks, len(CLOSERS))
    body, opener = np.divmod(picks, len(OPENERS))
    texts = [
        f"{OPENERS[o]} {bodies[b][1]}. {CLOSERS[c]}"
        for o, b, c in zip(opener.tolist(), body.tolist(), closer.tolist(), strict=True)
    ]
    category = np.array([number for number, _ in bodies])[body]
    return texts, category, closer >= len(CALM_CLOSERS)


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def _caption_columns(bank: Bank, text: np.ndarray) -> dict[str, pa.Array[Any]]:
    """The columns of captions that follow from their texts."""
    return {
        "caption_text": pa.array([bank.texts[number] for number in text.tolist()], pa.string()),
        "content_category": pick(list(CATEGORIES), bank.category[text]),
        "price_tier": pick(TIERS, bank.tier[text]),
        "has_urgency": pa.array(bank.urgent[text]),
    }


def caption_bank_table(bank: Bank) -> pa.Table:
    """The table caption_bank."""
    columns = {
        "caption_id": pa.array(np.arange(1, len(bank.caption_text) + 1)),
        **_caption_columns(bank, bank.caption_text),
        "avg_revenue": pa.array(bank.caption_revenue),
        "overall_performance_score": pa.array(bank.caption_score),
        "usage_status": pick(_USAGE_STATUSES, bank.caption_status),
    }
    return table("caption_bank", columns)


def legacy_captions_table(rng: np.random.Generator, bank: Bank) -> pa.Table:
    """A tenth as many captions as the bank has: half of them its own, half found only here."""
    captions = len(bank.caption_text)
    shared = np.sort(rng.choice(captions, captions // 20, replace=False))
    own = np.arange(len(bank.legacy_texts))
    text = np.concatenate([bank.caption_text[shared], own + bank.legacy_texts.start])
    columns = {
        "caption_id": pa.array(np.concatenate([shared + 1, own + captions + 1])),
        **_caption_columns(bank, text),
    }
    return table("captions", columns)
