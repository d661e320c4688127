"""Random histories of inputs, for tests that compare the SQL with the oracle.

`make_history(seed, ...)` gives the four input tables of a small agency as lists of rows; the same
arguments give the same history. `histories()` is the hypothesis strategy over it, and
`random_assignments` fills the lock table. `write_csv` and `write_parquet` put tables in a folder
the way people export them. Everything is fictional.

What is rare in real data is common here: hours around Los Angeles midnight and on both
clock-change days, messages exactly as old as they must be, texts that differ by case, marks and
blanks only, own caption ids that contradict the text or that no caption has, zero views, zero
purchases, late rows, counts corrected later, duplicates, and one row per way of being unusable.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from tests.python.oracle import (
    COLUMNS,
    LOS_ANGELES,
    SIZES,
    TIERS,
    caption_key_v2,
    hour_to_utc,
    local_date,
    utc,
)

Row = dict[str, Any]
PAGES = ("luna", "marble", "ivy", "nova", "pixel", "quartz", "robin", "sable", "tempo", "velvet")
CATEGORIES = ("travel", "cooking", "music", "sports", "garden")
PLACES = ("beach", "café", "studio", "mountain", "market", "library", "harbour", "été", "кино")
THINGS = ("photos", "stories", "recipes", "songs", "sketches", "postcards", "videos", "plans")
# Around these dates lie both clock changes, the end-of-year holidays, and nothing in particular.
SEASONS = (date(2025, 3, 12), date(2025, 11, 5), date(2026, 1, 2), date(2025, 6, 24))
PATTERNS = ("beach", "pho.os", r"\bmarket\b", "^My", "songs?!", "[0-4] ?$", r"\$5\.00\b", "<p>", r"^My \w+ s")
BROKEN_PATTERNS = ("(unclosed", "[a-", "*start", "(?P<name", "x{2,1}")
LATEST = timedelta(days=4)  # no row arrives or changes later than this after its sending time


@dataclass(frozen=True)
class Event:
    """A row of mass_messages: when it can be seen, and how it looked before it was settled."""

    row: Row
    arrives_at: datetime
    settled_at: datetime
    early_row: Row

    def seen_at(self, moment: datetime) -> Row | None:
        if moment < self.arrives_at:
            return None
        return self.row if moment >= self.settled_at else self.early_row


@dataclass(frozen=True)
class History:
    """An agency's inputs. `tables` is what they hold at `as_of`, `at` what they held before.

    `bad_rows` are the (source, kind of fault, row) that cannot be used, the spare copies of
    duplicates among them; a row of the kind "in the future" becomes usable when its time comes.
    """

    seed: int
    as_of: datetime
    pages: tuple[str, ...]
    events: tuple[Event, ...]
    others: Mapping[str, list[Row]]
    bad_rows: list[tuple[str, str, Row]] = field(default_factory=list)

    @property
    def tables(self) -> dict[str, list[Row]]:
        return self.at(self.as_of)

    def at(self, moment: datetime) -> dict[str, list[Row]]:
        """The input tables as they stood at a moment: late rows not yet in, counts uncorrected.

        Every row arrives and settles within `LATEST` of its sending time, well inside the
        look-back, so runs every few days miss nothing.
        """
        seen = [event.seen_at(utc(moment)) for event in self.events]
        return {"mass_messages": [row for row in seen if row is not None], **self.others}

    def shuffled(self, seed: int) -> dict[str, list[Row]]:
        """`tables` with the rows in another order."""
        order = random.Random(seed)
        return {source: order.sample(rows, len(rows)) for source, rows in self.tables.items()}


def make_history(
    seed: int,
    pages: int = 4,
    captions: int = 60,
    messages: int = 400,
    days: int = 80,
    bad_share: float = 0.03,
    broken_pages: int = 0,
    texts_across_tiers: bool = False,
) -> History:
    """A history of about `messages` messages over the `days` before its as_of.

    At most `bad_share` of the messages cannot be used. The first `broken_pages` pages have a
    pattern that does not compile. With `texts_across_tiers`, copies of a text may stand in
    different tiers. Of three pages and more the last one is sometimes asleep: nothing sent for 40
    days. Raises ValueError for more pages than there are names.
    """
    if not 1 <= pages <= len(PAGES):
        raise ValueError(f"pages must be 1 to {len(PAGES)}")
    rng = random.Random(seed)
    names = PAGES[:pages]
    as_of = _moment_of_day(rng, rng.choice(SEASONS) + timedelta(days=rng.randint(0, 9)))
    bank = _bank(rng, captions, texts_across_tiers)
    asleep = names[-1] if pages > 2 and rng.random() < 0.3 else None
    events = [_event(rng, i, names, asleep, bank, as_of, days) for i in range(1, messages + 1)]
    others = {
        "caption_bank": bank,
        "captions": _legacy_captions(rng, bank),
        "creator_caption_restrictions": _restrictions(rng, names, broken_pages, as_of),
    }
    bad = _spoil_messages(rng, events, as_of, int(bad_share * messages))
    if bad_share:
        bad += _spoil_others(rng, others)
    rng.shuffle(events)
    return History(seed, as_of, names, tuple(events), others, bad)


def histories(**fixed: Any) -> st.SearchStrategy[History]:
    """Strategy for histories, small ones first; keyword arguments fix those of make_history."""
    sizes = {
        "seed": st.integers(0, 2**32 - 1),
        "pages": st.integers(1, 5),
        "captions": st.integers(4, 80),
        "messages": st.integers(1, 300),
        "days": st.integers(60, 100),
    }
    strategies = {name: st.just(value) for name, value in fixed.items()}
    return st.builds(make_history, **(sizes | strategies))


# --- Captions ---------------------------------------------------------------------------------


def _text(rng: random.Random) -> str:
    price = rng.choice(("", "", "", " for $5.00", " for $500", " v1.2.3"))
    return f"My {rng.choice(PLACES)} {rng.choice(THINGS)}{price} {rng.randint(0, 9)}"


def variant(rng: random.Random, text: str) -> str:
    """Another way of writing a text, with the same key unless the text has no word in it."""
    ways: list[Callable[[str], str]] = [
        str,
        lambda t: f"  {t} ",
        lambda t: f"{t}!!",
        lambda t: f"{t} 🔥",
        lambda t: f"{t} ❤️",
        lambda t: f"❤ {t} #️⃣",
        lambda t: t.replace(" ", "  \n", 1),
        lambda t: t.replace("é", "e\u0301"),
        lambda t: t.replace(" ", " … ", 1),
    ]
    if not set("&<") & set(text):  # an entity in capitals is none
        ways += [
            str.upper,
            str.title,
            lambda t: t.replace(" ", "&nbsp;", 2).replace("o", "&#111;", 1).replace(".", "&#x2E;"),
            lambda t: f"<p>{t.replace(' ', '<br/>', 1)}</p>",
            lambda t: f"&lt;b&gt;{t}&lt;/b&gt;".replace("s", "s\u200b", 1),
        ]
    return rng.choice(ways)(text)


def _bank(rng: random.Random, count: int, across_tiers: bool) -> list[Row]:
    """The bank: every tier first, then copies of texts and rows that may not be scheduled."""
    rows: list[Row] = []
    ids = rng.sample(range(1, 10 * count + 50), count)
    for position, caption_id in enumerate(ids):
        tier = TIERS[position] if position < 4 else rng.choice((*TIERS, *TIERS, "exclusive"))
        twin = rng.choice(rows) if position >= 4 and rng.random() < 0.3 else None
        if twin and not across_tiers:
            tier = twin["price_tier"]
        text = variant(rng, twin["caption_text"]) if twin else _text(rng)
        if not twin and rng.random() < 0.05:
            text = rng.choice(("🔥🔥", " 🌊", "🎵!", "❤️", "☀️", "<b>❤</b>", "&#9728;"))
        rows.append(_caption(rng, caption_id, text, tier, sure=position < 4))
    if not across_tiers:
        _one_tier_per_text(rows)
    rng.shuffle(rows)
    return rows


def _caption(rng: random.Random, caption_id: int, text: str, tier: str, sure: bool) -> Row:
    statuses = ("available", "available", "moderate_recency", "retired")
    return {
        "caption_id": caption_id,
        "caption_text": text,
        "content_category": rng.choice(CATEGORIES),
        "price_tier": tier,
        "has_urgency": rng.random() < 0.3,
        "avg_revenue": round(rng.uniform(0, 90), 2),
        "overall_performance_score": round(rng.uniform(0, 1), 4),
        "usage_status": "available" if sure else rng.choice(statuses),
    }


def _one_tier_per_text(rows: list[Row]) -> None:
    """Give captions with one text one tier, that of the first row."""
    tiers: dict[str, str] = {}
    for row in rows:
        row["price_tier"] = tiers.setdefault(caption_key_v2(row["caption_text"]), row["price_tier"])


def _legacy_captions(rng: random.Random, bank: Sequence[Row]) -> list[Row]:
    """Old captions: some also in the bank with another text, some nowhere else."""
    names = COLUMNS["captions"]
    shared = [{name: row[name] for name in names} for row in bank[::4]]
    for row in shared:
        row["caption_text"] = f"{row['caption_text']} (old)"
    alone = [
        {
            "caption_id": 1_000_000 + i,
            "caption_text": f"Old {_text(rng)}",
            "price_tier": rng.choice(TIERS),
            "content_category": rng.choice(CATEGORIES),
            "has_urgency": rng.random() < 0.5,
        }
        for i in range(5)
    ]
    return shared + alone


def _restrictions(rng: random.Random, pages: Sequence[str], broken: int, as_of: datetime) -> list[Row]:
    """One active row per page with small minimum pools, and now and then an old inactive one."""
    rows = []
    for position, page in enumerate(pages):
        row = {
            "page_name": rng.choice((page, page.upper(), f" {page} ")),
            "hard_patterns": rng.sample(PATTERNS, rng.choice((0, 0, 1))),
            "soft_patterns": rng.choice((None, rng.sample(PATTERNS, rng.randint(0, 2)))),
            "restricted_categories": rng.sample(CATEGORIES, rng.choice((0, 0, 1))),
            "restricted_price_tiers": rng.choice((None, [], ["exclusive"])),
            "applies_to_scope": rng.choice(("ALL", "PPV_ONLY", "BUMP_ONLY")),
            "min_ppv_pool": rng.randint(0, 2),
            "min_bump_pool": rng.randint(0, 1),
            "is_active": True,
            "updated_at": as_of - timedelta(days=rng.randint(1, 200)),
            "version": 2,
        }
        if position < broken:
            row["hard_patterns"] = [*row["hard_patterns"], rng.choice(BROKEN_PATTERNS)]
        rows.append(row)
        if rng.random() < 0.3:
            old = {"is_active": False, "version": 1, "restricted_price_tiers": list(TIERS)}
            rows.append(row | old | {"updated_at": row["updated_at"] - timedelta(days=9)})
    return rows


# --- Messages ---------------------------------------------------------------------------------


def _moment_of_day(rng: random.Random, day: date) -> datetime:
    """A moment of a Los Angeles date, often near midnight or the hours that clocks skip."""
    seconds = rng.choice(
        (
            rng.randint(0, 86_399),
            rng.randint(0, 86_399),
            rng.randint(8, 23) * 3600,
            rng.choice((0, 1, 86_399, 86_398, 1800, 84_600)),
            rng.randint(3600, 3 * 3600),
        )
    )
    clock = datetime.min.time().replace(tzinfo=LOS_ANGELES, fold=rng.randint(0, 1))
    return (datetime.combine(day, clock) + timedelta(seconds=seconds)).astimezone(timezone.utc)


def _sending_time(rng: random.Random, as_of: datetime, rest: int, days: int) -> datetime:
    """A moment from `days` to `rest` days before as_of, some at the edge of maturity."""
    if not rest and rng.random() < 0.02:
        return as_of - timedelta(hours=24, seconds=rng.choice((-1, 0, 1)))
    recent = rng.random() < 0.25
    back = rng.randint(rest, min(rest + 10, days) if recent else days)
    return min(as_of, _moment_of_day(rng, local_date(as_of) - timedelta(days=back)))


def _event(
    rng: random.Random,
    row_id: int,
    pages: Sequence[str],
    asleep: str | None,
    bank: Sequence[Row],
    as_of: datetime,
    days: int,
) -> Event:
    """One message: what was sent on which page, what came of it, and when that was known."""
    page = rng.choice(pages)
    rest = min(days, 40) if page == asleep else 0
    caption = bank[int(len(bank) * rng.random() ** 2)]
    row = {
        "row_id": row_id,
        "page_name": rng.choice((page, page, page, page.title(), f" {page}")),
        "message": _message_text(rng, caption),
        "sending_time": _sending_time(rng, as_of, rest, days),
        "price": _price(rng, pages.index(page), caption),
        **_counts(rng, pages.index(page), caption),
        "message_type": "mass",
        "caption_id": _own_caption_id(rng, caption, bank),
    }
    return _timed(rng, row)


def _price(rng: random.Random, page_position: int, caption: Row) -> float | None:
    """Nothing for a bump; pages are cheap, middling or dear."""
    if caption["price_tier"] == "bump":
        return rng.choice((0.0, None))
    return rng.choice((5.0, 12.5, 18.0)) * (1.0, 1.5, 2.5)[page_position % 3]


def _timed(rng: random.Random, row: Row) -> Event:
    """When a row arrives, and for one in five the lower counts that it arrived with."""
    sent = row["sending_time"]
    lag = rng.choice((timedelta(0), timedelta(0), timedelta(minutes=20), LATEST * rng.random()))
    if rng.random() > 0.2:
        return Event(row, sent + lag, sent + lag, row)
    early = row | {
        "purchased_count": row["purchased_count"] // 2,
        "earnings": round(row["earnings"] / 2, 2),
    }
    return Event(row, sent + lag, max(sent + LATEST, sent + lag), early)


def _message_text(rng: random.Random, caption: Row) -> str | None:
    chance = rng.random()
    if chance < 0.05:
        return None
    return f"Not in the bank {rng.randint(0, 9)}" if chance < 0.15 else variant(
        rng, caption["caption_text"]
    )  # fmt: skip


def _own_caption_id(rng: random.Random, caption: Row, bank: Sequence[Row]) -> int | None:
    """NULL nine times in ten; else the caption's, now and then a contradicting or unknown one."""
    if rng.random() < 0.9:
        return None
    others = (rng.choice(bank)["caption_id"], 2_000_000 + rng.randint(0, 2))
    return rng.choice((caption["caption_id"], caption["caption_id"], *others))


def _counts(rng: random.Random, page_position: int, caption: Row) -> Row:
    """sent, viewed, purchased and earnings; pages differ in size, captions in appeal."""
    size = SIZES[page_position % len(SIZES)]
    sent = rng.randint(max(1, size.min_audience), 2 * size.min_audience + 900)
    viewed = 0 if rng.random() < 0.05 else rng.randint(sent // 3, sent)
    appeal = (1 + caption["caption_id"] % 7) / 30
    buys = rng.random() < (0.45 if page_position % 4 == 3 else 0.9)
    purchased = min(viewed, 1 + int(viewed * appeal * rng.uniform(0.5, 1))) if buys else 0
    earnings = round(purchased * rng.choice((5.0, 9.99, 14.4, 31.0, 7.25)), 2)
    return {
        "sent_count": sent,
        "viewed_count": viewed,
        "purchased_count": purchased,
        "earnings": earnings,
    }


# --- Rows that cannot be used -----------------------------------------------------------------


def faults(row: Row, as_of: datetime) -> dict[str, Row]:
    """Kind of fault (what follows a " (" only tells variants apart) -> what to change in the row."""
    return {
        "missing row_id": {"row_id": None},
        "missing page_name": {"page_name": None},
        "missing page_name (blank)": {"page_name": "  "},
        "missing sending_time": {"sending_time": None},
        "in the future": {"sending_time": as_of + timedelta(seconds=1)},
        "in the future (days)": {"sending_time": as_of + timedelta(days=3)},
        "before 2015": {"sending_time": datetime(2014, 12, 31, tzinfo=timezone.utc)},
        "negative count": {"purchased_count": -1},
        "negative count (all)": {"sent_count": -1, "viewed_count": -2, "purchased_count": -3},
        "viewed above sent": {"viewed_count": row["sent_count"] + 1},
        "purchased above viewed": {"purchased_count": row["viewed_count"] + 1},
        "not a finite amount": {"earnings": math.inf},
        "not a finite amount (inf)": {"price": math.inf},
        "not a finite amount (-inf)": {"earnings": -math.inf},
        "cast": {"sent_count": "twelve"},
        "cast (amount)": {"earnings": "12 dollars"},
        "cast (time)": {"sending_time": "yesterday"},
        "cast (row_id)": {"row_id": "row 7"},
    }


def fault_name(kind: str) -> str:
    """The kind as the oracle names it, without the variant."""
    return kind.split(" (")[0]


def _spoil_messages(
    rng: random.Random, events: list[Event], as_of: datetime, count: int
) -> list[tuple[str, str, Row]]:
    """Add `count` unusable rows: exact copies of rows, and one for each of the faults in turn."""
    bad = []
    good = [event for event in events if event.arrives_at <= as_of]
    if not good:
        return bad
    kinds = [*faults(good[0].row, as_of), "duplicate row_id", "duplicate row_id"]
    rng.shuffle(kinds)
    for position in range(count):
        kind, model = kinds[position % len(kinds)], rng.choice(good)
        if kind == "duplicate row_id":
            row, added = model.seen_at(as_of), model
        else:
            row = model.row | {"row_id": 10_000_000 + position} | faults(model.row, as_of)[kind]
            added = Event(row, model.arrives_at, model.arrives_at, row)
        events.append(added)
        bad.append(("mass_messages", fault_name(kind), row))
    return bad


def _spoil_others(rng: random.Random, others: Mapping[str, list[Row]]) -> list[tuple[str, str, Row]]:
    """Add one unusable row of a random kind to each of the other inputs."""
    bad = []
    for source in ("caption_bank", "captions"):
        row = rng.choice(others[source])
        ways = {
            "missing caption_id": {"caption_id": None},
            "duplicate caption_id": {},
            "cast": {"caption_id": "seven"},
        }
        if source == "caption_bank":
            ways["not a finite amount"] = {"caption_id": 3_000_000, "avg_revenue": math.inf}
        bad.append((source, *_spoiled(rng, row, ways)))
    row = rng.choice(others["creator_caption_restrictions"])
    # Out of use, so that the row stops nobody: test_restrictions.py is about those that are in force.
    ways = {
        "missing page_name": {"page_name": None, "is_active": False},
        "cast": {"min_ppv_pool": "many", "is_active": False},
    }
    bad.append(("creator_caption_restrictions", *_spoiled(rng, row, ways)))
    for source, _, row in bad:
        others[source].append(row)
    return bad


def _spoiled(rng: random.Random, row: Row, ways: Mapping[str, Row]) -> tuple[str, Row]:
    kind = rng.choice(list(ways))
    return kind, row | ways[kind]


# --- Locks ------------------------------------------------------------------------------------


def random_assignments(history: History, seed: int, count: int = 20) -> list[Row]:
    """Rows of active_caption_assignments around the history's execution date.

    They reach from 10 days before to 10 days after it; past ones are often swept, some of all
    are cancelled (inactive, reason CANCELLED). Their captions are the bank's. On one page a few
    captions of one group (urgent, or of one category) fill the week before, up to and over the
    weekly budget. Their times are naive UTC, as the lock table holds them.
    """
    rng = random.Random(seed)
    today = local_date(history.as_of)
    bank = [row for row in history.others["caption_bank"] if isinstance(row["caption_id"], int)]
    plans = [(rng.choice(history.pages), rng.choice(bank), rng.randint(-10, 10)) for _ in range(count)]
    category, urgent = rng.choice(CATEGORIES), rng.random() < 0.5
    group = [row for row in bank if (row["has_urgency"] if urgent else row["content_category"] == category)]
    crowded = rng.choice(history.pages)
    for _ in range(rng.randint(3, 7) if urgent else rng.randint(13, 30)):
        if group:
            plans.append((crowded, rng.choice(group[:3]), rng.randint(-7, -1)))
    rows = [_assignment(rng, *plan, today) for plan in plans]
    return list({row["assignment_key"]: row for row in rows}.values())


def _assignment(rng: random.Random, page: str, caption: Row, days: int, today: date) -> Row:
    day = today + timedelta(days=days)
    hour = rng.randint(8, 23)
    assigned_at = hour_to_utc(day - timedelta(days=1), 3).replace(tzinfo=None)
    state: Row = {"is_active": True, "deactivated_at": None, "deactivation_reason": None}
    reason = "CANCELLED" if rng.random() < 0.15 else "PAST_SEND_DATE"
    if reason == "CANCELLED" or (day < today and rng.random() < 0.7):
        ended = assigned_at + timedelta(hours=30)
        state = {"is_active": False, "deactivated_at": ended, "deactivation_reason": reason}
    key = f"{page}|{caption['caption_id']}|{day.isoformat()}|{hour}"
    return {
        "page_name": page,
        "caption_id": caption["caption_id"],
        "caption_text": caption["caption_text"],
        "assigned_date": assigned_at.date(),
        "scheduled_send_date": day,
        "scheduled_send_hour": hour,
        "price_tier": caption["price_tier"],
        "assigned_at": assigned_at,
        "assignment_key": hashlib.sha256(key.encode()).hexdigest(),
        "schedule_id": f"{page}_{day:%Y%m%d}",
        **state,
    }


# --- Files ------------------------------------------------------------------------------------

ARROW_TYPES = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bool: pa.bool_(),
    datetime: pa.timestamp("us", tz="UTC"),
    list: pa.list_(pa.string()),
}


def csv_text(value: Any) -> str:
    """A value as an export writes it: '' for NULL, JSON for arrays, ISO-8601 in UTC for times."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime):
        return utc(value).isoformat(sep=" ")
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return str(value)


def write_csv(tables: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write every table as `<name>.csv` with a header; the folder must exist."""
    for source, rows in tables.items():
        with (folder / f"{source}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS[source])
            writer.writerows([csv_text(row[name]) for name in COLUMNS[source]] for row in rows)


def write_parquet(tables: Mapping[str, Sequence[Row]], folder: Path) -> None:
    """Write every table as `<name>.parquet`; a column with a value that does not cast as text."""
    for source, rows in tables.items():
        columns = {name: [row[name] for row in rows] for name in COLUMNS[source]}
        arrays = {name: _array(values, COLUMNS[source][name]) for name, values in columns.items()}
        pq.write_table(pa.table(arrays), folder / f"{source}.parquet")


def _array(values: list[Any], kind: type) -> pa.Array:
    typed = (int, float) if kind is float else kind
    if all(value is None or isinstance(value, typed) for value in values):
        return pa.array(values, ARROW_TYPES[kind])
    return pa.array([None if value is None else csv_text(value) for value in values], pa.string())
