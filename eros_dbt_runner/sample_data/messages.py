"""The messages: who sends what when, and what it earns."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytz

from eros_dbt_runner.sample_data.bank import BUMP, TIER_PRICES, Bank
from eros_dbt_runner.sample_data.files import UTC_TIMESTAMP, pick, table
from eros_dbt_runner.sample_data.pages import Pages

_LOCAL_TIME = pytz.timezone("America/Los_Angeles")
_ROWS_PER_PART = 122_880  # the row group size that DuckDB itself writes
# Messages sent per local hour of the day, relative to each other.
_HOUR_WEIGHTS = np.array(
    [2, 1, 0.5, 0.2, 0.2, 0.2, 0.5, 2, 8, 9, 10, 10, 12, 11, 9, 9, 10, 12, 14, 16, 17, 16, 12, 6]
)
_MESSAGES_WITH_ID = 0.1
_MESSAGES_OFF_BANK = 0.04  # texts that no caption has
_MESSAGES_IN_VAIN = 0.12  # nobody buys, whatever the caption; few purchases leave out more


def message_tables(
    rng: np.random.Generator, pages: Pages, bank: Bank, messages: int, days: int, last_second: int
) -> Iterator[pa.Table]:
    """The messages in the order of their sending time, a part at a time."""
    hour_starts = last_second - 3_600 * np.arange(24 * days, 0, -1)
    local = [datetime.fromtimestamp(second, _LOCAL_TIME) for second in hour_starts.tolist()]
    local_hour = np.array([moment.hour for moment in local])
    weekend = np.array([moment.weekday() >= 5 for moment in local])
    weights = _HOUR_WEIGHTS[local_hour] * np.where(weekend, 1.1, 1.0)
    per_hour = rng.multinomial(messages, weights / weights.sum())

    variants = _message_variants(bank)
    part_of_hour = np.cumsum(per_hour) // _ROWS_PER_PART
    row_id = 1
    for part in np.unique(part_of_hour):
        hours = np.flatnonzero(part_of_hour == part)
        hour = np.repeat(hours, per_hour[hours])
        if len(hour) == 0:
            continue
        second = np.sort(hour_starts[hour] + rng.integers(0, 3_600, len(hour)))
        age_days = (last_second - second) / 86_400
        columns = _message_columns(rng, pages, bank, variants, local_hour[hour], weekend[hour], age_days)
        columns["row_id"] = pa.array(np.arange(row_id, row_id + len(hour)))
        columns["sending_time"] = pa.array(second * 1_000_000).cast(UTC_TIMESTAMP)
        row_id += len(hour)
        yield table("mass_messages", columns)


def _message_columns(
    rng: np.random.Generator,
    pages: Pages,
    bank: Bank,
    variants: pa.Array[Any],
    local_hour: np.ndarray,
    weekend: np.ndarray,
    age_days: np.ndarray,
) -> dict[str, pa.Array[Any]]:
    """What was sent and what came of it, for messages sent at the given hours."""
    count = len(age_days)
    page = _draw_index(rng, np.cumsum(pages.share), count)
    tier = (rng.random(count)[:, None] > pages.tier_shares[page, :-1]).sum(axis=1)
    caption = _draw_captions(rng, pages, page, tier)
    off_bank = rng.random(count) < _MESSAGES_OFF_BANK
    text = np.where(
        off_bank,
        rng.integers(bank.off_bank_texts.start, bank.off_bank_texts.stop, count),
        bank.caption_text[caption],
    )
    has_id = (rng.random(count) < _MESSAGES_WITH_ID) & ~off_bank
    price = np.array(TIER_PRICES)[tier, rng.integers(0, 4, count)]

    tired = pages.tired[page] & (age_days < 7)
    audience = pages.audience[page] * np.maximum(1 - 0.1 * age_days / 365, 0.4)
    sent = (audience * rng.uniform(0.7, 1.0, count)).astype(np.int64)
    viewed = rng.binomial(sent, pages.view_rate[page] * rng.uniform(0.85, 1.15, count) * (1 - 0.25 * tired))
    # Purchases enter EMV squared, so half of an effect on log EMV is an effect on their number.
    log_emv_effect = bank.effect[text] + _pair_effect(pages, page, text) + rng.normal(0.0, 0.7, count)
    log_purchase_rate = (
        pages.purchase_level[page]
        + log_emv_effect / 2
        - 0.7 * np.log(np.maximum(price, 1.0) / 18)
        + 0.3 * np.cos(2 * np.pi * (local_hour - pages.peak_hour[page]) / 24)
        + 0.1 * weekend
        - 0.4 * tired
    )
    purchased = np.minimum(rng.poisson(viewed * np.exp(log_purchase_rate)), viewed)
    purchased[(tier == BUMP) | (rng.random(count) < _MESSAGES_IN_VAIN)] = 0
    return {
        "page_name": pick(pages.names, page),
        "message": variants.take(pa.array(text * len(_VARIANTS) + _draw_variants(rng, count))),
        "price": pa.array(price),
        "sent_count": pa.array(sent),
        "viewed_count": pa.array(viewed),
        "purchased_count": pa.array(purchased.astype(float)),
        "earnings": pa.array(np.round(purchased * price * 0.8, 2)),  # the platform keeps a fifth
        "message_type": pick(("ppv", "bump"), (tier == BUMP).astype(int)),
        "caption_id": pa.array(caption.astype(np.int64) + 1, mask=~has_id),
    }


def _draw_captions(rng: np.random.Generator, pages: Pages, page: np.ndarray, tier: np.ndarray) -> np.ndarray:
    """A caption of the tier for each message; a page's first slots come up most."""
    chance = rng.random(len(page)) ** 2.5
    caption = np.empty(len(page), np.int32)
    for number, slots in enumerate(pages.repertoire):
        of_tier = tier == number
        slot = (chance[of_tier] * slots.shape[1]).astype(int)
        caption[of_tier] = slots[page[of_tier], slot]
    return caption


def _pair_effect(pages: Pages, page: np.ndarray, text: np.ndarray) -> np.ndarray:
    """How well a text fits a page: a normal variable (sd 0.4) that is a function of the two.

    Hashed (splitmix64, then Box and Muller) rather than stored: there are pages x texts of them.
    """
    with np.errstate(over="ignore"):
        key = (page.astype(np.uint64) << np.uint64(32)) + text.astype(np.uint64)
        key = (key ^ pages.pair_salt * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(0x9E3779B97F4A7C15)
        key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        key ^= key >> np.uint64(31)
    radius = np.sqrt(-2 * np.log(((key >> np.uint64(32)) + 0.5) / 2**32))
    effect: np.ndarray = 0.4 * radius * np.cos(2 * np.pi * (key & np.uint64(0xFFFFFFFF)) / 2**32)
    return effect


# Ways in which people send one text, and in which their tools export it: share of the messages, and the
# change. None changes the key.
_VARIANTS: tuple[tuple[float, Callable[[str], str]], ...] = (
    (0.44, lambda text: text),
    (0.10, lambda text: f"{text} 🔥"),
    (0.04, lambda text: f"{text} ❤️"),
    (0.02, lambda text: f"{text} ❤ #️⃣"),
    (0.08, str.upper),
    (0.07, lambda text: text.lower().replace("'", "’")),
    (0.06, lambda text: text.replace("!", "!!!").replace(". ", "...  ")),
    (0.05, lambda text: text.replace(". ", ".\n")),
    (0.05, lambda text: unicodedata.normalize("NFD", f"✨ {text} ")),
    (0.04, lambda text: html.escape(text).replace(" ", "&nbsp;", 1)),
    (0.03, lambda text: "<p>" + text.replace(". ", ".<br/>") + "</p>"),
    (0.02, lambda text: text.replace(" ", " \u200b", 2) + "\ufeff"),
)


def _message_variants(bank: Bank) -> pa.Array[Any]:
    """Every text in every variant, text by text."""
    return pa.array((change(text) for text in bank.texts for _, change in _VARIANTS), pa.string())


def _draw_variants(rng: np.random.Generator, count: int) -> np.ndarray:
    return _draw_index(rng, np.cumsum([share for share, _ in _VARIANTS]), count)


def _draw_index(rng: np.random.Generator, cumulated: np.ndarray, count: int) -> np.ndarray:
    """Indices with the given cumulated probabilities, whose last may miss 1 by a rounding error."""
    return np.searchsorted(cumulated[:-1], rng.random(count), side="right")
