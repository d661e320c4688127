"""Fictional input data for EROS: four tables that look and behave like an agency's.

Everything is drawn from one seed, so the same arguments give the same files. The data has
something to learn. What a message earns follows from its page, its caption, how the two fit, the
price and the hour, plus noise:

    log EMV = page level + caption effect + pair effect + price and hour effects + noise

A caption text has one effect wherever it goes out, so what it earned on one page says something
about the next. Messages are written in the order of their sending time, a part at a time, so that
memory does not grow with their number.
"""

from __future__ import annotations

import csv
import html
import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytz

Progress = Callable[[str, int, int], None]

MANIFEST_NAME = "generated.json"
FILE_FORMATS = ("parquet", "csv")
MINIMUM_CAPTIONS = 50  # fewer leave a price tier without a caption

_LOCAL_TIME = pytz.timezone("America/Los_Angeles")
_ROWS_PER_PART = 122_880  # the row group size that DuckDB itself writes

# ---- the four tables ---------------------------------------------------------------------------

_UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    """A schema; pyarrow's own signature makes a type checker take mixed types for objects."""
    return pa.schema(columns)


SCHEMAS: dict[str, pa.Schema] = {
    "mass_messages": _schema(
        {
            "row_id": pa.int64(),
            "page_name": pa.string(),
            "message": pa.string(),
            "sending_time": _UTC_TIMESTAMP,
            "price": pa.float64(),
            "sent_count": pa.int64(),
            "viewed_count": pa.int64(),
            "purchased_count": pa.float64(),  # as in production
            "earnings": pa.float64(),
            "message_type": pa.string(),
            "caption_id": pa.int64(),
        }
    ),
    "caption_bank": _schema(
        {
            "caption_id": pa.int64(),
            "caption_text": pa.string(),
            "content_category": pa.string(),
            "price_tier": pa.string(),
            "has_urgency": pa.bool_(),
            "avg_revenue": pa.float64(),
            "overall_performance_score": pa.float64(),
            "usage_status": pa.string(),
        }
    ),
    "captions": _schema(
        {
            "caption_id": pa.int64(),
            "caption_text": pa.string(),
            "price_tier": pa.string(),
            "content_category": pa.string(),
            "has_urgency": pa.bool_(),
        }
    ),
    "creator_caption_restrictions": _schema(
        {
            "page_name": pa.string(),
            "hard_patterns": pa.list_(pa.string()),
            "soft_patterns": pa.list_(pa.string()),
            "restricted_categories": pa.list_(pa.string()),
            "restricted_price_tiers": pa.list_(pa.string()),
            "applies_to_scope": pa.string(),
            "min_ppv_pool": pa.int64(),
            "min_bump_pool": pa.int64(),
            "is_active": pa.bool_(),
            "updated_at": _UTC_TIMESTAMP,
            "version": pa.int64(),
        }
    ),
}

# ---- price tiers, audiences, page styles -------------------------------------------------------

TIERS = ("budget", "mid", "premium", "bump", "vip", "custom")
_BUMP = TIERS.index("bump")
_TIER_SHARES_OF_BANK = (0.27, 0.27, 0.18, 0.22, 0.03, 0.03)
_TIER_PRICES = (  # US dollars
    (5.0, 7.0, 9.0, 12.0),
    (15.0, 18.0, 20.0, 25.0),
    (30.0, 35.0, 45.0, 60.0),
    (0.0, 0.0, 0.0, 0.0),
    (75.0, 80.0, 90.0, 100.0),
    (50.0, 75.0, 100.0, 120.0),
)
# Which tiers a page sends: one row per kind of page, from cheap to dear.
_TIER_SHARES_BY_STYLE = (
    (0.68, 0.11, 0.01, 0.20, 0.0, 0.0),
    (0.25, 0.38, 0.15, 0.20, 0.01, 0.01),
    (0.05, 0.15, 0.58, 0.20, 0.01, 0.01),
)

# Fans of a page (from, to) and messages a week, per account size from MICRO to MEGA.
_AUDIENCES = ((350, 900), (1_400, 4_500), (5_800, 18_000), (23_000, 45_000), (58_000, 120_000))
_WEEKLY_MESSAGES = (10, 14, 20, 28, 37)

_USAGE_STATUSES = ("available", "moderate_recency", "recently_used", "retired")
_USAGE_SHARES = (0.62, 0.27, 0.07, 0.04)
_SCHEDULABLE_STATUSES = 2

# Messages sent per local hour of the day, relative to each other.
_HOUR_WEIGHTS = np.array(
    [2, 1, 0.5, 0.2, 0.2, 0.2, 0.5, 2, 8, 9, 10, 10, 12, 11, 9, 9, 10, 12, 14, 16, 17, 16, 12, 6]
)

_COPIED_CAPTIONS = 0.165  # captions that repeat the text of another
_MESSAGES_WITH_ID = 0.1
_MESSAGES_OFF_BANK = 0.04  # texts that no caption has
_MESSAGES_IN_VAIN = 0.12  # nobody buys, whatever the caption; few purchases leave out more

# ---- words -------------------------------------------------------------------------------------

_PAGE_FIRST = [
    "amber",
    "aspen",
    "autumn",
    "birch",
    "blue",
    "bright",
    "cedar",
    "clover",
    "copper",
    "coral",
    "crimson",
    "dusty",
    "early",
    "ember",
    "fern",
    "golden",
    "hazel",
    "indigo",
    "ivory",
    "jade",
    "juniper",
    "lemon",
    "lilac",
    "little",
    "lunar",
    "maple",
    "marble",
    "meadow",
    "mellow",
    "misty",
    "mossy",
    "north",
    "olive",
    "opal",
    "paper",
    "pine",
    "quiet",
    "rosy",
    "russet",
    "sage",
    "salty",
    "silver",
    "south",
    "sunny",
    "velvet",
    "violet",
    "wandering",
    "warm",
    "wild",
    "willow",
]
_PAGE_SECOND = [
    "acorn",
    "anchor",
    "barn",
    "beacon",
    "bloom",
    "breeze",
    "bridge",
    "brook",
    "cabin",
    "canyon",
    "cove",
    "creek",
    "cricket",
    "dune",
    "falcon",
    "field",
    "finch",
    "forest",
    "garden",
    "glade",
    "grove",
    "harbor",
    "heron",
    "hill",
    "island",
    "kitchen",
    "lake",
    "lantern",
    "ledge",
    "lodge",
    "marsh",
    "mesa",
    "mill",
    "moon",
    "orchard",
    "otter",
    "pebble",
    "prairie",
    "quarry",
    "rain",
    "ridge",
    "river",
    "robin",
    "shore",
    "sparrow",
    "spring",
    "summit",
    "trail",
    "valley",
    "wren",
]

# Each category: templates with {x} and {y}, the words for x, the words for y.
_CATEGORY_TEXTS = {
    "cooking": (
        ("I filmed how I make {x} with {y}|My {x} recipe, now with {y}|{x} and {y}, start to finish"),
        "ramen|pancakes|lasagna|tacos|crème brûlée|focaccia|dumplings|paella|pho|apple pie",
        "brown butter|jalapeño|roasted garlic|fresh basil|lemon zest|miso|smoked salt",
    ),
    "workouts": (
        "A {x} workout for {y}|My {x} routine, made for {y}|{x} with me: one set for {y}",
        "full body|kettlebell|core|mobility|rowing|jump rope|hill sprint|dumbbell",
        "busy mornings|beginners|small rooms|rest days|marathon season|stiff backs|rainy days",
    ),
    "travel": (
        "Postcards from {x}: {y}|What {y} in {x} was really like|My map of {x}, all about {y}",
        "Lisbon|Kyoto|São Paulo|Reykjavík|Oaxaca|Tromsø|Québec|Cape Town|Hội An|Zürich",
        "the night train|street food|the old harbor|a lost suitcase|hidden stairs|the museum",
    ),
    "music": (
        "Backstage at {x}, {y} included|The demo of {y} from {x}|How {x} turned into {y}",
        "the spring tour|our rehearsal room|the vinyl session|soundcheck|the club show",
        "a new chorus|the bass line|a broken string|an acoustic version|the piano part",
    ),
    "gardening": (
        "How I grow {x} in {y}|{x} after a month in {y}|Three mistakes with {x} in {y}",
        "tomatoes|dahlias|strawberries|basil|sunflowers|pumpkins|lavender|chili peppers",
        "old buckets|raised beds|a tiny balcony|heavy clay|the greenhouse|half shade",
    ),
    "pets": (
        "The dog met {x} and {y}|A day with {x}, the cat and {y}|Teaching {x} to live with {y}",
        "the puppy|a rescue greyhound|two parrots|an old tabby|the neighbor's goat",
        "a squeaky toy|the vacuum|a bath|a very big stick|the mail carrier|snow",
    ),
    "crafts": (
        "I made {x} out of {y}|From {y} to {x} in one evening|A pattern for {x}, best in {y}",
        "a quilt|a lamp|a tote bag|a birdhouse|a scarf|a picture frame|a mug",
        "scrap wood|old jeans|leftover wool|driftwood|recycled paper|clay|linen",
    ),
    "books": (
        "I read {x} for {y}|My notes on {x}, with {y}|{x} changed how I see {y}",
        "a mystery|four novellas|a sailor's diary|a cookbook from 1950|a comic|poems",
        "a rainy weekend|the book club|a long flight|bedtime|a train ride|my sister",
    ),
    "photography": (
        "How I shot {x} at {y}|Unedited: {x} at {y}|One lens, {x} and {y}",
        "foxes|the milky way|city rooftops|surfers|fog|a lighthouse|street markets",
        "sunrise|blue hour|midnight|minus ten degrees|low tide|high noon|the first snow",
    ),
    "gaming": (
        "My run through {x} with {y}|{x} night: we try {y}|The livestream of {x}, cut to {y}",
        "a farming game|the space puzzle|an old platformer|a chess match|the racing cup",
        "no map|one hand|the worst luck|a friend on the sofa|the secret ending",
    ),
    "wellness": (
        "A {x} break for {y}|My {x} habit and {y}|Ten minutes of {x} before {y}",
        "stretching|breathing|journaling|tea|walking|coffee and quiet|sketching",
        "a long day|deep sleep|exam week|a calm Sunday|the school run|big meetings",
    ),
    "behind_the_scenes": (
        ("What you did not see: {x} and {y}|The outtakes of {x}, {y} and all|Building {x} before {y}"),
        "the studio move|our photo day|the kitchen set|a podcast episode|the team trip",
        "the coffee spill|a power cut|three takes|the surprise guest|the clean-up",
    ),
}
_CATEGORIES = {
    category: tuple(tuple(text.split("|")) for text in texts) for category, texts in _CATEGORY_TEXTS.items()
}
_OPENERS = [
    "Hey you!",
    "Good morning!",
    "Guess what:",
    "New today:",
    "Fresh from my camera:",
    "Story time:",
    "Just for you:",
    "Hi friends,",
    "Ok, finally:",
    "Tiny update:",
    "Sunday treat:",
    "Big news!",
    "You asked, so here it is:",
    "Sneak peek!",
    "So proud of this one:",
    "I can't believe it:",
    "Long day, good ending:",
    "Happy Friday!",
    "Quick hello!",
    "Something different:",
    "My favorite so far:",
    "Free this week:",
    "Psst…",
    "Made with love ❤️:",
    "Exclusive:",
]
_CALM_CLOSERS = [
    "Enjoy!",
    "Tell me what you think 💬",
    "Which one is yours?",
    "More tomorrow ☀️",
    "Worth the wait ✨",
    "Reply with your favorite 🎶",
    "Extra clips inside 🎬",
    "Full vlog inside 📹",
    "20% off for you 🎁",
    "See you there 🌊",
    "Hope it makes you smile ☺️",
    "I laughed so much 😂",
    "With the bonus track 🎧",
    "Save it for later 📌",
    "No spoilers, please!",
    "Part two is coming 🍋",
    "Vote below 👇",
    "Spicy, be warned 🌶️",
]
_URGENT_CLOSERS = [
    "Only until tonight ⏰",
    "Last chance!",
    "Gone by morning 🌙",
    "24 hours only ⌛",
    "Hurry, few spots left 🏃",
]
_CLOSERS = _CALM_CLOSERS + _URGENT_CLOSERS

_PATTERNS = (
    r"(?i)\bfree\b",
    r"(?i)\bexclusive\b",
    r"(?i)\blast chance\b",
    r"(?i)\bhurry\b",
    r"(?i)\b(?:spicy|jalapeño|chili)",
    r"(?i)\bcoffee\b",
    r"(?i)\bmarathon\b",
    r"(?i)^hey\b",
    r"(?i)^psst",
    r"\b\d{1,2}% off\b",
    r"\b\d+ hours only\b",
    r"(?i)\bback-?stage\b",
    r"(?i)\b(?:vlog|livestream|podcast)\b",
    r"(?i)\bdogs?\b",
    r"(?i)\bcats?\b",
    r"(?i)\bsalt(?:ed)?\b",
    r"(?i)\bmidnight\b",
    r"(?i)\bsister\b",
    r"(?i)spoilers?",
    r"(?i)\bsneak peek\b",
    r"(?i)\bmusic|vinyl\b",
    r"[🌙⏰]",
    r"(?i)\breply with\b",
    r"(?i)big news!",
    r"(?i)\bschool\b",
)


def generate(
    directory: Path,
    *,
    pages: int = 20,
    captions: int = 4_000,
    messages: int = 20_000,
    days: int = 120,
    seed: int = 1,
    end: datetime,
    file_format: str = "parquet",
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the four input tables into `directory` and return the number of rows per file name.

    `pages` creators send `messages` messages in the `days` times 24 hours before `end` (aware; the
    newest message is from just before it); the bank holds `captions` captions. `progress` is called
    with a file name, the rows written to it so far and the rows it will have.

    Files of an earlier run are replaced, all at once at the end. Raises ValueError for an argument
    out of range, and FileExistsError, before anything is written, if the directory has an input
    table that this function did not write.
    """
    _check_arguments(pages, captions, messages, days, end, file_format)
    directory.mkdir(parents=True, exist_ok=True)
    _refuse_foreign_files(directory)

    rng = np.random.default_rng(seed)
    last_second = int(end.timestamp())
    bank = _make_bank(rng, captions)
    creators = _make_pages(rng, pages, bank, seed)
    tables: dict[str, tuple[int, Iterator[pa.Table]]] = {
        "caption_bank": (captions, iter([_caption_bank_table(bank)])),
        "captions": (captions // 10, iter([_legacy_captions_table(rng, bank)])),
        "creator_caption_restrictions": (
            _restricted_pages(pages),
            iter([_restrictions_table(rng, creators, bank, last_second)]),
        ),
        "mass_messages": (
            messages,
            _message_tables(rng, creators, bank, messages, days, last_second),
        ),
    }

    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=directory, prefix=".generating-") as workplace:
        for table, (expected_rows, parts) in tables.items():
            path = Path(workplace, f"{table}.{file_format}")
            rows[path.name] = _write(path, SCHEMAS[table], parts, expected_rows, progress)
        _publish(Path(workplace), directory, rows)
    return rows


def _check_arguments(
    pages: int, captions: int, messages: int, days: int, end: datetime, file_format: str
) -> None:
    for name, value, least in (
        ("pages", pages, 1),
        ("captions", captions, MINIMUM_CAPTIONS),
        ("messages", messages, 1),
        ("days", days, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")
    most = _distinct_texts_available() // 4
    if captions > most:
        raise ValueError(f"captions must be at most {most}, not {captions}")
    if end.tzinfo is None:
        raise ValueError("end must have a time zone")
    if file_format not in FILE_FORMATS:
        raise ValueError(f"file_format must be one of {FILE_FORMATS}, not {file_format!r}")


# ---- the caption bank --------------------------------------------------------------------------


@dataclass(frozen=True)
class _Bank:
    """Texts, and the captions that use them.

    Texts are numbered: first those of the bank, then those of the legacy table alone, then those
    that only messages have. Captions are numbered from 0; their id is one more.
    """

    texts: list[str]
    category: np.ndarray  # per text, index into _CATEGORIES
    urgent: np.ndarray  # per text, bool
    tier: np.ndarray  # per text, index into TIERS
    effect: np.ndarray  # per text, on log EMV
    caption_text: np.ndarray  # per caption, index into texts
    caption_status: np.ndarray  # per caption, index into _USAGE_STATUSES
    caption_revenue: np.ndarray  # per caption, US dollars
    caption_score: np.ndarray  # per caption, 0 to 1
    legacy_texts: range
    off_bank_texts: range


def _make_bank(rng: np.random.Generator, captions: int) -> _Bank:
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
    tier = np.concatenate([rng.permutation(tier), rng.integers(0, _BUMP + 1, count - originals)])
    effect = rng.normal(0.0, 0.5, count)

    # A few texts have most of the copies.
    copies = (originals * rng.random(captions - originals) ** 3).astype(int)
    caption_text = rng.permutation(np.concatenate([np.arange(originals), copies]))
    heard = effect[caption_text] + rng.normal(0.0, 0.4, captions)  # what the bank believes
    typical_price = np.array([np.mean(prices) for prices in _TIER_PRICES])[tier[caption_text]]
    return _Bank(
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


def _distinct_texts_available() -> int:
    bodies = sum(len(templates) * len(xs) * len(ys) for templates, xs, ys in _CATEGORIES.values())
    return bodies * len(_OPENERS) * len(_CLOSERS)


def _make_texts(rng: np.random.Generator, count: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """`count` texts with different caption keys, the category of each and whether it is urgent."""
    bodies = [
        (number, _capitalised(template.format(x=x, y=y)))
        for number, (templates, xs, ys) in enumerate(_CATEGORIES.values())
        for template in templates
        for x in xs
        for y in ys
    ]
    picks = rng.choice(_distinct_texts_available(), count, replace=False)
    picks, closer = np.divmod(picks, len(_CLOSERS))
    body, opener = np.divmod(picks, len(_OPENERS))
    texts = [
        f"{_OPENERS[o]} {bodies[b][1]}. {_CLOSERS[c]}"
        for o, b, c in zip(opener.tolist(), body.tolist(), closer.tolist(), strict=True)
    ]
    category = np.array([number for number, _ in bodies])[body]
    return texts, category, closer >= len(_CALM_CLOSERS)


def _capitalised(text: str) -> str:
    return text[0].upper() + text[1:]


def _caption_columns(bank: _Bank, text: np.ndarray) -> dict[str, pa.Array[Any]]:
    """The columns of captions that follow from their texts."""
    return {
        "caption_text": pa.array([bank.texts[number] for number in text.tolist()], pa.string()),
        "content_category": _pick(list(_CATEGORIES), bank.category[text]),
        "price_tier": _pick(TIERS, bank.tier[text]),
        "has_urgency": pa.array(bank.urgent[text]),
    }


def _caption_bank_table(bank: _Bank) -> pa.Table:
    columns = {
        "caption_id": pa.array(np.arange(1, len(bank.caption_text) + 1)),
        **_caption_columns(bank, bank.caption_text),
        "avg_revenue": pa.array(bank.caption_revenue),
        "overall_performance_score": pa.array(bank.caption_score),
        "usage_status": _pick(_USAGE_STATUSES, bank.caption_status),
    }
    return _table("caption_bank", columns)


def _legacy_captions_table(rng: np.random.Generator, bank: _Bank) -> pa.Table:
    """A tenth as many captions as the bank has: half of them its own, half found only here."""
    captions = len(bank.caption_text)
    shared = np.sort(rng.choice(captions, captions // 20, replace=False))
    own = np.arange(len(bank.legacy_texts))
    text = np.concatenate([bank.caption_text[shared], own + bank.legacy_texts.start])
    columns = {
        "caption_id": pa.array(np.concatenate([shared + 1, own + captions + 1])),
        **_caption_columns(bank, text),
    }
    return _table("captions", columns)


# ---- pages -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pages:
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


def _make_pages(rng: np.random.Generator, pages: int, bank: _Bank, seed: int) -> _Pages:
    number = np.arange(pages)
    size = (2 * number + 2) % len(_AUDIENCES)  # MEDIUM first, then every size in turn
    smallest, largest = np.array(_AUDIENCES, float)[size].T
    audience = smallest * (largest / smallest) ** rng.random(pages)
    weight = np.array(_WEEKLY_MESSAGES, float)[size] * rng.uniform(0.9, 1.1, pages)
    view_rate = rng.uniform(0.35, 0.6, pages)
    # A bigger audience buys more in all, but less per fan.
    purchases = 0.75 * audience**0.3 * np.exp(rng.normal(0.0, 0.25, pages))
    caption_tier = bank.tier[bank.caption_text]
    return _Pages(
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
    pairs = [f"{first}_{second}" for first in _PAGE_FIRST for second in _PAGE_SECOND]
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


def _restricted_pages(pages: int) -> int:
    return round(0.6 * pages)


def _restrictions_table(rng: np.random.Generator, pages: _Pages, bank: _Bank, last_second: int) -> pa.Table:
    """Rules of about 60 % of the pages, mild enough that each of them keeps enough captions."""
    schedulable = bank.caption_status < _SCHEDULABLE_STATUSES
    tier = bank.tier[bank.caption_text]
    ppv_minimum = min(200, int(0.2 * np.count_nonzero(schedulable & (tier < _BUMP))))
    bump_minimum = min(50, int(0.2 * np.count_nonzero(schedulable & (tier == _BUMP))))
    defaults_hold = ppv_minimum == 200 and bump_minimum == 50

    def some(choices: tuple[str, ...], most: int) -> list[str]:
        return [str(choice) for choice in rng.choice(choices, rng.integers(0, most + 1), replace=False)]

    rows = []
    for page in np.sort(rng.choice(len(pages.names), _restricted_pages(len(pages.names)), replace=False)):
        left_to_default = defaults_hold and rng.random() < 0.25
        rows.append(
            {
                "page_name": pages.names[page],
                "hard_patterns": some(_PATTERNS, 3),
                "soft_patterns": some(_PATTERNS, 2),
                "restricted_categories": some(tuple(_CATEGORIES), 2),
                # Never a tier that the page has to send.
                "restricted_price_tiers": some(TIERS[_BUMP + 1 :], 2),
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


# ---- messages ----------------------------------------------------------------------------------


def _message_tables(
    rng: np.random.Generator, pages: _Pages, bank: _Bank, messages: int, days: int, last_second: int
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
        columns["sending_time"] = pa.array(second * 1_000_000).cast(_UTC_TIMESTAMP)
        row_id += len(hour)
        yield _table("mass_messages", columns)


def _message_columns(
    rng: np.random.Generator,
    pages: _Pages,
    bank: _Bank,
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
    price = np.array(_TIER_PRICES)[tier, rng.integers(0, 4, count)]

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
    purchased[(tier == _BUMP) | (rng.random(count) < _MESSAGES_IN_VAIN)] = 0
    return {
        "page_name": _pick(pages.names, page),
        "message": variants.take(pa.array(text * len(_VARIANTS) + _draw_variants(rng, count))),
        "price": pa.array(price),
        "sent_count": pa.array(sent),
        "viewed_count": pa.array(viewed),
        "purchased_count": pa.array(purchased.astype(float)),
        "earnings": pa.array(np.round(purchased * price * 0.8, 2)),  # the platform keeps a fifth
        "message_type": _pick(("ppv", "bump"), (tier == _BUMP).astype(int)),
        "caption_id": pa.array(caption.astype(np.int64) + 1, mask=~has_id),
    }


def _draw_captions(rng: np.random.Generator, pages: _Pages, page: np.ndarray, tier: np.ndarray) -> np.ndarray:
    """A caption of the tier for each message; a page's first slots come up most."""
    chance = rng.random(len(page)) ** 2.5
    caption = np.empty(len(page), np.int32)
    for number, slots in enumerate(pages.repertoire):
        of_tier = tier == number
        slot = (chance[of_tier] * slots.shape[1]).astype(int)
        caption[of_tier] = slots[page[of_tier], slot]
    return caption


def _pair_effect(pages: _Pages, page: np.ndarray, text: np.ndarray) -> np.ndarray:
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


def _message_variants(bank: _Bank) -> pa.Array[Any]:
    """Every text in every variant, text by text."""
    return pa.array((change(text) for text in bank.texts for _, change in _VARIANTS), pa.string())


def _draw_variants(rng: np.random.Generator, count: int) -> np.ndarray:
    return _draw_index(rng, np.cumsum([share for share, _ in _VARIANTS]), count)


def _draw_index(rng: np.random.Generator, cumulated: np.ndarray, count: int) -> np.ndarray:
    """Indices with the given cumulated probabilities, whose last may miss 1 by a rounding error."""
    return np.searchsorted(cumulated[:-1], rng.random(count), side="right")


# ---- files -------------------------------------------------------------------------------------


def _pick(values: Sequence[str], index: np.ndarray) -> pa.Array[Any]:
    return pa.array(values, pa.string()).take(pa.array(index))


def _table(name: str, columns: dict[str, pa.Array[Any]]) -> pa.Table:
    schema = SCHEMAS[name]
    return pa.Table.from_arrays([columns[column] for column in schema.names], schema=schema)


class _CsvWriter:
    """Like pyarrow's Parquet writer: arrays as JSON text, NULL as nothing, times in UTC."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(schema.names)

    def write_table(self, table: pa.Table) -> None:
        columns = (map(_csv_text, column.to_pylist()) for column in table.columns)
        self._csv.writerows(zip(*columns, strict=True))

    def __enter__(self) -> _CsvWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _csv_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return value


def _write(
    path: Path,
    schema: pa.Schema,
    parts: Iterator[pa.Table],
    expected_rows: int,
    progress: Progress | None,
) -> int:
    rows = 0
    is_csv = path.suffix == ".csv"
    with _CsvWriter(path, schema) if is_csv else pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
            if progress is not None:
                progress(path.name, rows, expected_rows)
    return rows


def _input_files(directory: Path) -> list[Path]:
    """The files of `directory` that EROS would read as an input table, sorted."""
    names = {f"{table}.{suffix}" for table in SCHEMAS for suffix in FILE_FORMATS}
    return sorted(path for path in directory.iterdir() if path.name in names)


def _refuse_foreign_files(directory: Path) -> None:
    """Somebody's own export must not be lost: only a table that is as it was written may go."""
    manifest = directory / MANIFEST_NAME
    written = json.loads(manifest.read_text("utf-8"))["bytes"] if manifest.exists() else {}
    foreign = [path.name for path in _input_files(directory) if written.get(path.name) != path.stat().st_size]
    if foreign:
        raise FileExistsError(
            f"{directory} has input tables that the generator did not make: {', '.join(foreign)}. "
            "Choose another directory or move them away."
        )


def _publish(workplace: Path, directory: Path, rows: dict[str, int]) -> None:
    """Put the new files in place of the old ones, with a note of what was written."""
    for old in _input_files(directory):
        old.unlink()
    sizes = {name: (workplace / name).stat().st_size for name in sorted(rows)}
    note = json.dumps({"made_by": "eros sample-data", "bytes": sizes}, indent=2)
    (directory / MANIFEST_NAME).write_text(note + "\n", "utf-8")
    for name in rows:
        (workplace / name).replace(directory / name)
