"""The rules of EROS in plain Python: the reference that the SQL is compared with.

Written from the contract's words alone (docs/design.md), slow and direct on purpose: no rule here shares
code, an order of evaluation or a trick with the models. Sums are `math.fsum`, counts and factors are
fractions, so a difference of more than rounding error is a difference of meaning.

The entry point is `Oracle(tables, as_of, ...)`; everything it does is also a plain function.
Times are UTC (a naive datetime is taken as UTC), dates are America/Los_Angeles dates, money is in
the input's currency. Where the contract can be read in two ways, the word READING marks the
reading taken; those that a test may want to flip are fields of `Rules`.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property
from statistics import median
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

Row = dict[str, Any]
Tables = Mapping[str, Sequence[Row]]

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
PPV_TIERS = ("budget", "mid", "premium")
TIERS = (*PPV_TIERS, "bump")
SCHEDULABLE_STATUSES = ("available", "moderate_recency")
SMALLEST_VALUE = 0.000001
HOURS = range(8, 24)


@dataclass(frozen=True)
class Rules:
    """The numbers that are project variables, and the readings that a test may flip."""

    caption_policy: str = "pooled"  # or "wilson"
    holdout_share: float = 0.02
    outcome_maturity_hours: int = 24
    stats_window_days: int = 90
    belief_window_days: int = 180
    recent_days: int = 30  # active pages, audience, segment, page median
    reuse_days: int = 7
    default_min_ppv_pool: int = 200
    default_min_bump_pool: int = 50
    # READING: "the 90 days before as_of" counts 24-hour days back from the timestamp ("time").
    # "date" is the 90 dates that end with the execution date.
    stats_window_by: str = "time"


# --- 3. Functions -----------------------------------------------------------------------------


WHITE_SPACE = frozenset(
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)


NAMED_ENTITIES = {
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'", "&nbsp;": "\xa0",
}  # fmt: skip
ELEMENTS = (
    "a|abbr|b|big|blockquote|br|center|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|s|small|span"
    "|strike|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul"
)
UNSEEN = frozenset(
    chr(n)
    for first, last in (
        (0xFE00, 0xFE0F), (0xE0100, 0xE01EF), (0x20E3, 0x20E3), (0x034F, 0x034F), (0x3164, 0x3164),
        (0x115F, 0x1160), (0xFFA0, 0xFFA0), (0x00AD, 0x00AD), (0x200B, 0x200B), (0x200E, 0x200F),
        (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x2069), (0xFEFF, 0xFEFF), (0, 0),
    )
    for n in range(first, last + 1)
)  # fmt: skip


def undo_entities(text: str) -> str:
    """HTML entities undone, once, from left to right.

    READING: U+0000 is a code point, and nobody sees it; the names are as the issue spells them.
    """

    def undone(found: re.Match[str]) -> str:
        if found[0] in NAMED_ENTITIES:
            return NAMED_ENTITIES[found[0]]
        number = int(found[1]) if found[1] else int(found[2], 16) if found[2] else -1
        is_code_point = 0 <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
        return chr(number) if is_code_point else found[0]

    return re.sub(r"&(?:#([0-9]+)|#[xX]([0-9a-fA-F]+)|[a-z]+);", undone, text)


def drop_tags(text: str, left: str = " ") -> str:
    """A blank for each tag of an HTML element, or what else is to be left of it."""
    space = "".join(WHITE_SPACE)
    return re.sub(rf"</?(?:{ELEMENTS})(?:[{space}][^<>]*)?/?>", left, text, flags=re.I)


def without_formatting(text: str) -> str:
    """The text without what nobody sees, joiners, format and control characters among it.

    READING: so are Mongolian variation selectors, Khmer vowels without a form and the empty Braille pattern.
    """
    unseen = {*UNSEEN, *"\u180b\u180c\u180d\u180f\u17b4\u17b5\u2800"}
    return "".join(
        char for char in text
        if char in WHITE_SPACE or (char not in unseen and unicodedata.category(char) not in ("Cc", "Cf"))
    )  # fmt: skip


def can_be_seen(text: str) -> bool:
    """Whether anything but white space is left of a text without its tags and what nobody sees."""
    return one_blank(without_formatting(drop_tags(undo_entities(text)))) != ""


def one_blank(text: str) -> str:
    blanks = "".join(" " if char in WHITE_SPACE else char for char in text)
    return " ".join(word for word in blanks.split(" ") if word)


def readable(text: str) -> str:
    """What stands before signs are dropped: entities, tags, the unseen, NFC, lower case, in this order.

    READING: lower case is the one-to-one mapping, so the result does not depend on the neighbours
    (final sigma) and never grows.
    """
    seen = "".join(char for char in drop_tags(undo_entities(text)) if char not in UNSEEN)
    return "".join(char.lower()[0] for char in unicodedata.normalize("NFC", seen))


def normalise(text: str) -> str:
    """The text as captions are compared: words only, one blank between them.

    READING: white space is Unicode's, not ASCII's, and so are digits (decimal ones).
    """
    text = readable(text)
    kept = "".join(
        char
        for position, char in enumerate(text)
        if char in WHITE_SPACE
        or char == "_"
        or unicodedata.category(char)[0] in "LMN"
        or (char == "." and _is_digit(text[:position][-1:]) and _is_digit(text[position + 1 :][:1]))
    )
    return one_blank(kept)


def _is_digit(char: str) -> bool:
    return char != "" and unicodedata.category(char) == "Nd"


def caption_key_v2(message: str | None) -> str | None:
    """Hex SHA-256 of the normalised text; of what stood before when nothing is left of it."""
    if message is None:
        return None
    text = normalise(message) or one_blank(readable(message))
    return hashlib.sha256(text.encode()).hexdigest()


class WilsonBounds(NamedTuple):
    lower_bound: float
    upper_bound: float
    exploration_bonus: float


def wilson_score_bounds(successes: int, failures: int) -> WilsonBounds:
    """The Wilson interval at z = 1.96, worked out to 40 digits and then rounded to a double."""
    n = successes + failures
    if n == 0:
        return WilsonBounds(0.0, 1.0, 1.0)
    with localcontext() as context:
        context.prec = 40
        z, p, count = Decimal("1.96"), Decimal(successes) / n, Decimal(n)
        scale = 1 + z * z / count
        centre = (p + z * z / (2 * count)) / scale
        half = z * (p * (1 - p) / count + z * z / (4 * count * count)).sqrt() / scale
        lower = 0.0 if successes == 0 else max(0.0, float(centre - half))
        upper = 1.0 if failures == 0 else min(1.0, float(centre + half))
        return WilsonBounds(lower, upper, float(1 / (count + 1).sqrt()))


def wilson_draw(successes: int, failures: int, u: float) -> float:
    """The point at share u (0 to 1) of the Wilson interval."""
    lower, upper, _ = wilson_score_bounds(successes, failures)
    return lower + (upper - lower) * u


def uniform_draw(key: str) -> float:
    """A number in (0, 1) that depends on the key alone: 52 bits of its MD5."""
    k = int(hashlib.md5(key.encode()).hexdigest()[:13], 16)
    return float((Fraction(k) + Fraction(1, 2)) / 2**52)


def round_half_away(value: Fraction) -> int:
    """Nearest integer, halves away from zero."""
    magnitude = math.floor(abs(value) + Fraction(1, 2))
    return magnitude if value >= 0 else -magnitude


def percent_rank(value: float, values: Sequence[float]) -> Fraction:
    """SQL's percent_rank: (rank - 1) / (rows - 1), 0 for a single row."""
    if len(values) == 1:
        return Fraction(0)
    return Fraction(sum(other < value for other in values), len(values) - 1)


# --- Time -------------------------------------------------------------------------------------


def utc(moment: datetime) -> datetime:
    """The moment as an aware UTC datetime; without an offset it is taken as UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc)


def local_date(moment: datetime) -> date:
    """The Los Angeles date of a moment."""
    return utc(moment).astimezone(LOS_ANGELES).date()


def hour_to_utc(day: date, hour: int) -> datetime:
    """The UTC moment of a full local hour; hours 3 to 23 exist exactly once on every date."""
    local = datetime(day.year, day.month, day.day, hour, tzinfo=LOS_ANGELES)
    return local.astimezone(timezone.utc)


def last_dates(day: date, count: int) -> tuple[date, date]:
    """First and last of the `count` dates that end with `day`."""
    return day - timedelta(days=count - 1), day


def easter(year: int) -> date:
    """Western Easter Sunday (anonymous Gregorian computus)."""
    century = year // 100
    epact = (19 * (year % 19) + century - century // 4 - (8 * century + 13) // 25 + 15) % 30
    epact -= (epact // 28) * (1 - (29 // (epact + 1)) * ((21 - year % 19) // 11))
    weekday = (year + year // 4 + epact + 2 - century + century // 4) % 7
    offset = epact - weekday
    month = 3 + (offset + 40) // 44
    return date(year, month, offset + 28 - 31 * (month // 4))


def nth_weekday(year: int, month: int, weekday: int, n: int) -> date:
    """The n-th weekday (Monday 0) of a month; n = -1 is the last one."""
    days = [date(year, month, 1) + timedelta(days=i) for i in range(31)]
    return [d for d in days if d.month == month and d.weekday() == weekday][n - (n > 0)]


def holiday_calendar(year: int) -> dict[date, Fraction]:
    """The 20 holidays of a year, each with its saturation_impact_factor."""
    thanksgiving = nth_weekday(year, 11, 3, 4)
    days = {
        date(year, 1, 1): "0.7",
        nth_weekday(year, 1, 0, 3): "1.0",  # MLK Day
        date(year, 2, 14): "0.8",
        nth_weekday(year, 2, 0, 3): "1.0",  # Presidents' Day
        date(year, 3, 17): "1.0",
        easter(year): "0.8",
        nth_weekday(year, 5, 6, 2): "0.8",  # Mother's Day
        nth_weekday(year, 5, 0, -1): "0.8",  # Memorial Day
        date(year, 6, 19): "1.0",
        nth_weekday(year, 6, 6, 3): "0.9",  # Father's Day
        date(year, 7, 4): "0.7",
        nth_weekday(year, 9, 0, 1): "0.8",  # Labor Day
        nth_weekday(year, 10, 0, 2): "1.0",  # Columbus Day
        date(year, 10, 31): "0.9",
        date(year, 11, 11): "1.0",
        thanksgiving: "0.7",
        thanksgiving + timedelta(days=1): "0.9",
        date(year, 12, 24): "0.7",
        date(year, 12, 25): "0.6",
        date(year, 12, 31): "0.7",
    }
    return {day: Fraction(factor) for day, factor in days.items()}


HOLIDAYS = {day: f for year in range(2024, 2031) for day, f in holiday_calendar(year).items()}


# --- 2. Inputs: which rows can be used --------------------------------------------------------

MESSAGE_COLUMNS = {
    "row_id": int,
    "page_name": str,
    "message": str,
    "sending_time": datetime,
    "price": float,
    "sent_count": int,
    "viewed_count": int,
    "purchased_count": int,
    "earnings": float,
    "message_type": str,
    "caption_id": int,
}
BANK_COLUMNS = {
    "caption_id": int,
    "caption_text": str,
    "content_category": str,
    "price_tier": str,
    "has_urgency": bool,
    "avg_revenue": float,
    "overall_performance_score": float,
    "usage_status": str,
}
CAPTION_COLUMNS = {
    "caption_id": int,
    "caption_text": str,
    "price_tier": str,
    "content_category": str,
    "has_urgency": bool,
}
RESTRICTION_COLUMNS = {
    "page_name": str,
    "hard_patterns": list,
    "soft_patterns": list,
    "restricted_categories": list,
    "restricted_price_tiers": list,
    "applies_to_scope": str,
    "min_ppv_pool": int,
    "min_bump_pool": int,
    "is_active": bool,
    "updated_at": datetime,
    "version": int,
}
COLUMNS = {
    "mass_messages": MESSAGE_COLUMNS,
    "caption_bank": BANK_COLUMNS,
    "captions": CAPTION_COLUMNS,
    "creator_caption_restrictions": RESTRICTION_COLUMNS,
}
ROW_KEYS = {"mass_messages": "row_id", "caption_bank": "caption_id", "captions": "caption_id"}


class RejectedError(ValueError):
    """The row cannot be used; the message is the kind of fault."""


def cast(value: Any, kind: type) -> Any:
    """A typed or CSV value as its column's type; None for NULL. Raises RejectedError("cast")."""
    if value is None or (value == "" and kind is not str):
        return None
    if kind in (int, float) and (value in ("NaN", "nan") or value != value):
        return None  # pandas writes what is missing so
    try:
        if kind is int:
            return _integer(value)
        if kind is bool and isinstance(value, str):
            return {"true": True, "false": False}[value.strip().lower()]
        if kind is datetime:
            return utc(datetime.fromisoformat(value) if isinstance(value, str) else value)
        if kind is list:
            items = json.loads(value) if isinstance(value, str) else list(value)
            return [str(item) for item in items if item is not None]
        return kind(value)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise RejectedError("cast") from error


def _integer(value: Any) -> int:
    """An integer, also when it is written as a float (production's purchased_count)."""
    number = value if isinstance(value, (int, float)) else float(value)
    if number != int(number):
        raise ValueError(value)
    return int(number)


def page_key(page_name: str | None) -> str:
    """The page name as it is compared: trimmed, lower case, '' for NULL."""
    seen = without_formatting(page_name or "")
    return one_blank("".join(char.lower()[0] for char in unicodedata.normalize("NFC", seen)))


def usable_row(source: str, row: Row, as_of: datetime) -> Row:
    """The row cast to its types, with the page name normalised. Raises RejectedError.

    READING: a NULL count or amount is not among the listed faults; it counts as zero.
    Negative amounts (refunds) are not negative counts and stay. A caption needs a text.
    """
    typed = {name: cast(row.get(name), kind) for name, kind in COLUMNS[source].items()}
    key = ROW_KEYS.get(source)
    if key and typed[key] is None:
        raise RejectedError(f"missing {key}")
    if "page_name" in typed:
        typed["page_name"] = page_key(typed["page_name"])
        if not typed["page_name"]:
            raise RejectedError("missing page_name")
    if source in ("caption_bank", "captions") and not can_be_seen(typed["caption_text"] or ""):
        raise RejectedError("missing caption_text")
    if any(isinstance(value, float) and not math.isfinite(value) for value in typed.values()):
        raise RejectedError("not a finite amount")
    if source == "mass_messages":
        _check_message(typed, as_of)
    return typed


def _check_message(row: Row, as_of: datetime) -> None:
    """The faults that only a message can have. Fills NULL counts and amounts with zero."""
    if row["sending_time"] is None:
        raise RejectedError("missing sending_time")
    if row["sending_time"] > utc(as_of):
        raise RejectedError("in the future")
    if row["sending_time"].year < 2015:
        raise RejectedError("before 2015")
    row["caption_id"] = row["caption_id"] or None
    for name in ("sent_count", "viewed_count", "purchased_count", "earnings", "price"):
        row[name] = row[name] or 0
    counts = row["sent_count"], row["viewed_count"], row["purchased_count"]
    if min(counts) < 0:
        raise RejectedError("negative count")
    if row["viewed_count"] > row["sent_count"]:
        raise RejectedError("viewed above sent")
    if row["purchased_count"] > row["viewed_count"]:
        raise RejectedError("purchased above viewed")


def check_rows(source: str, rows: Sequence[Row], as_of: datetime) -> list[tuple[Row | None, str]]:
    """For every row read, in order: (the usable row, '') or (None, the kind of fault).

    READING: of the rows that share a key and have no other fault one is kept, whatever the order
    of the rows: the newest by time, then the greatest by content. The rest are duplicates.
    """
    checked: list[tuple[Row | None, str]] = []
    for row in rows:
        try:
            checked.append((usable_row(source, row, as_of), ""))
        except RejectedError as fault:
            checked.append((None, str(fault)))
    key = ROW_KEYS.get(source)
    if not key:
        return checked
    groups: dict[int, list[int]] = defaultdict(list)
    for position, (usable, _) in enumerate(checked):
        if usable is not None:
            groups[usable[key]].append(position)
    for positions in groups.values():
        kept = max(positions, key=lambda i: (_age_and_content(checked[i][0]), -i))
        for position in positions:
            if position != kept:
                checked[position] = (None, f"duplicate {key}")
    return checked


def _age_and_content(row: Row) -> tuple[str, str]:
    """An order over rows that depends on what they hold and not on where they stand."""
    return str(row.get("sending_time", "")), json.dumps(row, default=str, sort_keys=True)


# --- 4. Learning ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Message:
    """A usable message. `caption_id` is its own id; `emv` is None without views."""

    row_id: int
    page_name: str
    message: str | None
    sending_time: datetime
    price: float
    sent_count: int
    viewed_count: int
    purchased_count: int
    earnings: float
    message_type: str | None
    caption_id: int | None

    @cached_property
    def sending_date(self) -> date:
        return local_date(self.sending_time)

    @property
    def emv(self) -> float | None:
        if not self.viewed_count:
            return None
        return self.purchased_count / self.viewed_count * self.earnings


@dataclass(frozen=True)
class Outcome:
    """What one message taught: one row of message_outcomes."""

    row_id: int
    page_name: str
    caption_id: int
    sending_time: datetime
    sending_date: date
    sent_count: int
    viewed_count: int
    purchased_count: int
    earnings: float
    emv: float
    page_median_emv: float
    is_success: bool
    price: float
    typical_value: float

    @property
    def value(self) -> float:
        """US dollars that a view earned."""
        return max(self.earnings, 0.0) / self.viewed_count


def text_owners(bank: Iterable[Row]) -> dict[str, int]:
    """Caption key -> the smallest bank id with that key."""
    owners: dict[str, int] = {}
    for row in bank:
        key = caption_key_v2(row["caption_text"])
        owners[key] = min(row["caption_id"], owners.get(key, row["caption_id"]))
    return owners


def resolve_caption(
    message: Message, owners: Mapping[str, int], known: Collection[int] | None = None
) -> int | None:
    """The caption of a message: its own id if it is `known` (None: any is), else the bank's by text."""
    if message.caption_id is not None and (known is None or message.caption_id in known):
        return message.caption_id
    return owners.get(caption_key_v2(message.message))


def median_emv(messages: Iterable[Message], page: str, day: date, days: int = 30) -> float | None:
    """Exact median EMV of the page's messages with views, over `days` dates that end with `day`."""
    first, last = last_dates(day, days)
    found = [
        m.emv
        for m in messages
        if m.page_name == page and m.viewed_count > 0 and first <= m.sending_date <= last
    ]
    return median(found) if found else None


def message_outcomes(
    messages: Sequence[Message],
    bank: Sequence[Row],
    as_of: datetime,
    rules: Rules = Rules(),
    known: Collection[int] | None = None,
) -> list[Outcome]:
    """The outcome of every message that has views, a caption and the age for it, by row_id.

    `messages` are the usable ones, none after as_of; the young ones still count in the median.
    """
    owners = text_owners(bank)
    newest = utc(as_of) - timedelta(hours=rules.outcome_maturity_hours)
    by_page: dict[str, list[Message]] = defaultdict(list)
    for message in messages:
        by_page[message.page_name].append(message)
    medians: dict[tuple[str, date], float] = {}
    found = []
    for m in sorted(messages, key=lambda message: message.row_id):
        caption_id = resolve_caption(m, owners, known)
        if not m.viewed_count or caption_id is None or m.sending_time > newest:
            continue
        place = m.page_name, m.sending_date
        if place not in medians:
            medians[place] = median_emv(by_page[m.page_name], *place)
        found.append(_outcome(m, caption_id, medians[place]))
    typical = typical_values(found, rules.recent_days)
    return [replace(o, typical_value=typical[o.page_name, o.sending_date]) for o in found]


def typical_values(outcomes: Sequence[Outcome], days: int = 30) -> dict[tuple[str, date], float]:
    """(page, date) of each outcome -> what a view of a message that earned something usually earned there.

    READING: a page without such an outcome takes the median of the pages that have outcomes on that date.
    """
    earned: dict[str, list[Outcome]] = defaultdict(list)
    for o in outcomes:
        if o.earnings > 0:
            earned[o.page_name].append(o)
    own: dict[tuple[str, date], float | None] = {}
    for page, day in {(o.page_name, o.sending_date) for o in outcomes}:
        first, last = last_dates(day, days)
        values = [o.value for o in earned[page] if first <= o.sending_date <= last]
        own[page, day] = median(values) if values else None
    on_date: dict[date, list[float]] = defaultdict(list)
    for (_, day), value in own.items():
        if value is not None:
            on_date[day].append(value)
    return {
        (page, day): value if value is not None else median(on_date[day]) if on_date[day] else SMALLEST_VALUE
        for (page, day), value in own.items()
    }


def _outcome(m: Message, caption_id: int, page_median: float) -> Outcome:
    return Outcome(
        row_id=m.row_id,
        page_name=m.page_name,
        caption_id=caption_id,
        sending_time=m.sending_time,
        sending_date=m.sending_date,
        sent_count=m.sent_count,
        viewed_count=m.viewed_count,
        purchased_count=m.purchased_count,
        earnings=m.earnings,
        emv=m.emv,
        page_median_emv=page_median,
        is_success=m.emv > page_median,
        price=m.price,
        typical_value=SMALLEST_VALUE,
    )


def in_stats_window(outcomes: Iterable[Outcome], as_of: datetime, rules: Rules = Rules()) -> list[Outcome]:
    """The outcomes of the `stats_window_days` before as_of (both ends included)."""
    if rules.stats_window_by == "date":
        first, _ = last_dates(local_date(as_of), rules.stats_window_days)
        return [o for o in outcomes if o.sending_date >= first]
    start = utc(as_of) - timedelta(days=rules.stats_window_days)
    return [o for o in outcomes if o.sending_time >= start]


def by_pair(outcomes: Iterable[Outcome]) -> dict[tuple[str, int], list[Outcome]]:
    """(page_name, caption_id) -> its outcomes."""
    pairs: dict[tuple[str, int], list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        pairs[outcome.page_name, outcome.caption_id].append(outcome)
    return dict(pairs)


def _pair_statistics(page: str, caption_id: int, outcomes: Sequence[Outcome]) -> Row:
    """The columns of caption_bandit_stats that depend on the pair alone."""
    newest = max(outcomes, key=lambda o: (o.sending_time, o.row_id))
    wins = sum(o.is_success for o in outcomes)
    successes, failures = 1 + wins, 1 + len(outcomes) - wins
    bounds = wilson_score_bounds(successes, failures)
    return {
        "caption_id": caption_id,
        "page_name": page,
        "successes": successes,
        "failures": failures,
        "total_observations": len(outcomes),
        "total_revenue": math.fsum(o.earnings for o in outcomes),
        "avg_conversion_rate": sum(o.purchased_count for o in outcomes) / sum(o.sent_count for o in outcomes),
        "avg_emv": math.fsum(o.emv for o in outcomes) / len(outcomes),
        "last_emv_observed": newest.emv,
        "confidence_lower_bound": bounds.lower_bound,
        "confidence_upper_bound": bounds.upper_bound,
        "exploration_score": bounds.exploration_bonus,
        "last_used": newest.sending_time,
    }


def caption_bandit_stats(
    outcomes: Iterable[Outcome], as_of: datetime, previous: Sequence[Row] = ()
) -> list[Row]:
    """The table, by page and caption, from the outcomes in the statistics window.

    `previous` is the table that the run before left: a row that is the same but for the
    percentile keeps its last_updated.
    """
    before = {(row["page_name"], row["caption_id"]): row for row in previous}
    rows = [_pair_statistics(*pair, found) for pair, found in sorted(by_pair(outcomes).items())]
    page_emvs: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        page_emvs[row["page_name"]].append(row["avg_emv"])
    for row in rows:
        old = before.get((row["page_name"], row["caption_id"]))
        unchanged = old is not None and all(old[name] == value for name, value in row.items())
        row["last_updated"] = old["last_updated"] if unchanged else utc(as_of)
        row["performance_percentile"] = round_half_away(
            100 * percent_rank(row["avg_emv"], page_emvs[row["page_name"]])
        )
    return rows


# --- 5.16 to 5.19 Beliefs ---------------------------------------------------------------------


@dataclass(frozen=True)
class Prior:
    """What is believed of a quantity before there are data, and the least variances of messages and cells."""

    message: float
    total: float
    caption: float
    least_message: float
    least_total: float


PRIORS = {"value": Prior(0.5, 0.25, 0.12, 0.05, 0.01), "opens": Prior(0.1, 0.05, 0.02, 0.01, 0.002)}


class Lesson(NamedTuple):
    """What a message teaches of one quantity: a natural logarithm."""

    page: str
    caption_id: int
    y: float
    sending_time: datetime


def lessons(outcomes: Iterable[Outcome]) -> dict[str, list[Lesson]]:
    """Quantity -> what the outcomes teach of it."""
    found: dict[str, list[Lesson]] = {"value": [], "opens": []}
    for o in outcomes:
        place = o.page_name, o.caption_id
        if o.price > 0 or o.earnings > 0:
            y = math.log(max(o.value, o.typical_value / 4, SMALLEST_VALUE))
            found["value"].append(Lesson(*place, y, o.sending_time))
        if o.sent_count > 0:
            y = math.log(max(o.viewed_count, 0.5) / o.sent_count)
            found["opens"].append(Lesson(*place, y, o.sending_time))
    return found


@dataclass(frozen=True)
class Cell:
    """What was seen of a caption on a page: outcomes, their mean, and its residual."""

    n: int
    mean: float
    residual: float = 0.0


class Belief:
    """What is believed of one quantity; `bumps` are the captions of the kind bump.

    Where bumps are not `priced`, the variances are estimated from the other captions alone.
    """

    def __init__(
        self, quantity: str, seen: Sequence[Lesson], bumps: Collection[int] = (), priced: bool = False
    ) -> None:
        self.quantity, self.bumps, self.priced = quantity, bumps, priced
        self.start = PRIORS[quantity]
        self.prior_means: dict[int, float] = {}
        ys: dict[tuple[str, int], list[float]] = defaultdict(list)
        for lesson in seen:
            ys[lesson.page, lesson.caption_id].append(lesson.y)
        cells = {place: Cell(len(found), math.fsum(found) / len(found)) for place, found in ys.items()}
        core = [place for place in cells if self.is_core(place[1])]
        spread = math.fsum((y - cells[place].mean) ** 2 for place in core for y in ys[place])
        self.message_variance = max(
            (50 * self.start.message + spread) / (50 + sum(cells[place].n - 1 for place in core)),
            self.start.least_message,
        )
        self.total_variance = self.start.total
        for _ in range(4):
            self._weigh(cells)
            residuals = {
                place: cells[place].mean - self.levels[place[0], self.kind(place[1])] for place in cells
            }
            excess = math.fsum(residuals[p] ** 2 - self.message_variance / cells[p].n for p in core)
            self.total_variance = max(
                (50 * self.start.total + excess) / (50 + len(core)), self.start.least_total
            )
        self.cells = {place: replace(cell, residual=residuals[place]) for place, cell in cells.items()}
        by_caption: dict[int, list[float]] = defaultdict(list)
        for place in core:
            by_caption[place[1]].append(residuals[place])
        products = math.fsum(a * b for rs in by_caption.values() for a, b in itertools.permutations(rs, 2))
        couples = sum(len(rs) * (len(rs) - 1) for rs in by_caption.values())
        estimate = (50 * self.start.caption + products) / (50 + couples)
        self.caption_variance = max(min(estimate, 0.95 * self.total_variance), 0.001)
        self.pair_variance = max(self.total_variance - self.caption_variance, 0.02 * self.total_variance)
        self.prior_variance = self.caption_variance
        self._of_caption: dict[int, list[tuple[str, Cell]]] = defaultdict(list)
        for (page, caption_id), cell in self.cells.items():
            self._of_caption[caption_id].append((page, cell))

    def kind(self, caption_id: int) -> str:
        return "bump" if caption_id in self.bumps else "priced"

    def is_core(self, caption_id: int) -> bool:
        return self.priced or caption_id not in self.bumps

    def _weigh(self, cells: Mapping[tuple[str, int], Cell]) -> None:
        """The levels of pages and kinds, and of the agency, with the total variance of the round before."""
        terms: dict[Any, list[tuple[float, float]]] = defaultdict(list)
        for (page, caption_id), cell in cells.items():
            weight = 1 / (self.total_variance + self.message_variance / cell.n)
            for place in ((page, self.kind(caption_id)), self.kind(caption_id)):
                terms[place].append((weight, weight * cell.mean))
        self.levels = {
            place: math.fsum(wy for _, wy in found) / math.fsum(w for w, _ in found)
            for place, found in terms.items()
        }

    def level(self, page: str, kind: str) -> float:
        """The page's level of a kind, else the agency's, else 0."""
        return self.levels.get((page, kind), self.levels.get(kind, 0.0))

    def totals(self, caption_id: int, without: str | None = None) -> tuple[float, float]:
        """(W, T) of a caption over its pages but `without`."""
        found = [
            (1 / (self.pair_variance + self.message_variance / cell.n), cell.residual)
            for page, cell in self._of_caption.get(caption_id, [])
            if page != without
        ]
        return math.fsum(u for u, _ in found), math.fsum(u * r for u, r in found)

    def shared(self, caption_id: int, without: str | None = None) -> tuple[float, float]:
        """(mean, variance) of what the other pages tell of a caption, above a page's level."""
        weight, total = self.totals(caption_id, without)
        precision = weight + 1 / self.prior_variance
        foretold = self.prior_means.get(caption_id, 0.0) / self.prior_variance
        return (total + foretold) / precision, 1 / precision

    def posterior(self, page: str, caption_id: int, kind: str | None = None) -> tuple[float, float]:
        """(mean, standard deviation) of the logarithm of any caption on any page."""
        mean, variance = self.shared(caption_id, page)
        mean += self.level(page, kind or self.kind(caption_id))
        variance += self.pair_variance
        cell = self.cells.get((page, caption_id))
        if cell is None:
            return mean, math.sqrt(variance)
        precision = cell.n / self.message_variance + 1 / variance
        return (
            (cell.n * cell.mean / self.message_variance + mean / variance) / precision,
            math.sqrt(1 / precision),
        )


def score_logits(scores: Mapping[int, float], yardsticks: Collection[int]) -> dict[int, float]:
    """Caption -> log odds of its score, clipped, less the mean over `yardsticks`.

    READING: if any score lies outside 0 to 1, all are taken by their rank share, equal ones by its middle.
    """
    values = sorted(scores.values())
    if values and not (values[0] >= 0 and values[-1] <= 1):
        scores = {
            caption: (sum(v < score for v in values) + sum(v == score for v in values) / 2) / len(values)
            for caption, score in scores.items()
        }
    logits = {
        caption: -4.0 if share <= 0 else 4.0 if share >= 1 else min(max(math.log(share / (1 - share)), -4), 4)
        for caption, share in scores.items()
    }
    centre = [logits[caption] for caption in yardsticks if caption in logits]
    mean = math.fsum(centre) / len(centre) if centre else 0.0
    return {caption: logit - mean for caption, logit in logits.items()}


def trust_the_score(
    belief: Belief, seen: Sequence[Lesson], logits: Mapping[int, float], first_seen: Mapping[int, datetime]
) -> float:
    """The slope of a caption's value on its score; changes the prior of `belief` accordingly."""
    a2 = belief.caption_variance
    captions = {lesson.caption_id for lesson in seen if belief.is_core(lesson.caption_id)}
    points = []
    for caption_id in sorted(captions & set(logits)):
        sums = {}
        for is_before in (True, False):
            ys: dict[str, list[float]] = defaultdict(list)
            for lesson in seen:
                if lesson.caption_id == caption_id and (
                    (utc(lesson.sending_time) <= utc(first_seen[caption_id])) == is_before
                ):
                    ys[lesson.page].append(lesson.y)
            terms = [
                (
                    1 / (belief.pair_variance + belief.message_variance / len(found)),
                    math.fsum(found) / len(found) - belief.level(page, belief.kind(caption_id)),
                )
                for page, found in ys.items()
            ]
            sums[is_before] = math.fsum(u for u, _ in terms), math.fsum(u * r for u, r in terms)
        (w_pre, s_pre), (w_post, s_post) = sums[True], sums[False]
        if w_post > 0:
            share = (1 / a2) / (1 / a2 + w_pre)
            surprise = s_post / w_post - s_pre / (1 / a2 + w_pre)
            points.append((1 / (a2 * share + 1 / w_post), share * logits[caption_id], surprise))
    if not points:
        return 0.0
    total = math.fsum(g for g, _, _ in points)
    x_mean = math.fsum(g * x for g, x, _ in points) / total
    y_mean = math.fsum(g * y for g, _, y in points) / total
    sxx = math.fsum(g * (x - x_mean) ** 2 for g, x, _ in points)
    sxy = math.fsum(g * (x - x_mean) * (y - y_mean) for g, x, y in points)
    slope = sxy / (sxx + 1)
    z = slope * math.sqrt(sxx + 1)
    slope = slope * max(0.0, 1 - 2 / z**2) if z > 0 else 0.0
    if slope > 0:
        belief.prior_means = {caption: slope * logit for caption, logit in logits.items()}
        terms = []
        for caption_id in captions:
            weight, total = belief.totals(caption_id)
            left = total / weight - belief.prior_means.get(caption_id, 0.0)
            terms.append((1 / (a2 + 1 / weight), left**2 - 1 / weight))
        left = math.fsum(g * x for g, x in terms) / math.fsum(g for g, _ in terms)
        estimate = (25 * a2 + left * len(terms)) / (50 + len(terms))
        belief.prior_variance = min(max(estimate, 0.1 * a2), a2)
    return slope


def exploration_widths(earnings: Mapping[str, float]) -> dict[str, float]:
    """Page -> how far its draws stray; pages without outcomes are not in it and stray at full width."""
    mean = math.fsum(earnings.values()) / len(earnings) if earnings else 0.0
    return {
        page: min(1.0, 0.15 * max(earned / mean, 0.001) ** -0.7) if mean > 0 else 1.0
        for page, earned in earnings.items()
    }


def logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def stray(u: float) -> float:
    """A logistic draw of standard deviation 1."""
    return math.sqrt(3) / math.pi * math.log(u / (1 - u))


def day_draw(execution_date: date, page: str, caption_id: int) -> float:
    """U of a pair on a day, of the policy wilson."""
    return uniform_draw(f"{execution_date.isoformat()}|{page}|{caption_id}")


def week_draw(execution_date: date, page: str, caption_id: int) -> float:
    """U of a pair in an ISO week."""
    year, week, _ = execution_date.isocalendar()
    return uniform_draw(f"{year}-W{week:02d}|{page}|{caption_id}")


# --- 5.3, 5.4 Volume, segment and mix ---------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """One row of volume_policy."""

    name: str
    min_audience: int
    weekly_ppv: int
    weekly_bump: int
    min_gap_hours: Fraction
    daily_maximum: int

    @property
    def gap(self) -> int:
        """The gap in full hours, since messages go out on the hour."""
        return math.ceil(self.min_gap_hours)

    @property
    def daily_cap(self) -> int:
        """The most messages of a day: the maximum, and what fits between 8 and 23 o'clock."""
        return min(self.daily_maximum, 15 // self.gap + 1)


SIZES = (
    Size("MICRO", 0, 6, 4, Fraction("3.0"), 8),
    Size("SMALL", 1_000, 8, 6, Fraction("2.5"), 10),
    Size("MEDIUM", 5_000, 12, 8, Fraction("2.0"), 15),
    Size("LARGE", 20_000, 16, 12, Fraction("1.5"), 20),
    Size("MEGA", 50_000, 21, 16, Fraction("1.25"), 25),
)
SEGMENTS = (("budget", 0), ("standard", 15), ("premium", 30))
TIER_MIX = {
    "budget": dict(zip(PPV_TIERS, map(Fraction, ("0.60", "0.30", "0.10")), strict=True)),
    "standard": dict(zip(PPV_TIERS, map(Fraction, ("0.30", "0.45", "0.25")), strict=True)),
    "premium": dict(zip(PPV_TIERS, map(Fraction, ("0.15", "0.35", "0.50")), strict=True)),
}


def on_dates(messages: Iterable[Message], page: str, first: date, last: date) -> list[Message]:
    """The page's messages of the dates from first to last."""
    return [m for m in messages if m.page_name == page and first <= m.sending_date <= last]


def active_pages(messages: Iterable[Message], day: date, days: int = 30) -> list[str]:
    """Pages that sent a message on the `days` dates that end with `day`."""
    first, last = last_dates(day, days)
    return sorted({m.page_name for m in messages if first <= m.sending_date <= last})


def audience(messages: Iterable[Message], page: str, day: date, days: int = 30) -> int:
    """The largest sent_count of the last dates."""
    return max((m.sent_count for m in on_dates(messages, page, *last_dates(day, days))), default=0)


def account_size(fans: int) -> Size:
    """The volume policy of an audience."""
    return [size for size in SIZES if fans >= size.min_audience][-1]


def weighted_price(messages: Iterable[Message], page: str, day: date, days: int = 30) -> Fraction:
    """Revenue-weighted price of the priced messages of the last dates; 0 without revenue."""
    priced = [m for m in on_dates(messages, page, *last_dates(day, days)) if m.price > 0]
    revenue = sum(Fraction(m.earnings) for m in priced)
    if not revenue:
        return Fraction(0)
    return sum(Fraction(m.price) * Fraction(m.earnings) for m in priced) / revenue


def segment_of(price: Fraction) -> str:
    """The behavioural segment of a revenue-weighted price."""
    return [name for name, minimum in SEGMENTS if price >= minimum or minimum == 0][-1]


def saturation_score(
    messages: Iterable[Message], page: str, day: date, holidays: Mapping[date, Any]
) -> Fraction:
    """0 to 1: how far the 7 dates before `day` fell below the 30 dates before those.

    READING: a rate whose base is 0 cannot drop, so its drop is 0.
    """
    ordinary = [m for m in messages if m.page_name == page and m.sending_date not in holidays]
    week = on_dates(ordinary, page, day - timedelta(days=7), day - timedelta(days=1))
    base = on_dates(ordinary, page, day - timedelta(days=37), day - timedelta(days=8))
    sent_week, sent_base = (sum(m.sent_count for m in side) for side in (week, base))
    if not sent_week or not sent_base:
        return Fraction(0)
    drops = []
    for column in ("earnings", "viewed_count"):
        now = sum(Fraction(getattr(m, column)) for m in week) / sent_week
        then = sum(Fraction(getattr(m, column)) for m in base) / sent_base
        drop = (then - now) / then if then else Fraction(0)
        drops.append(min(max(drop, Fraction(0)), Fraction(1)))
    return sum(drops) / 2


def saturation_factor(score: Fraction | float) -> Fraction:
    """What is left of the volume at a saturation score."""
    if score >= Fraction("0.6"):
        return Fraction("0.70")
    return Fraction("0.85") if score >= Fraction("0.3") else Fraction(1)


def capped_carry(targets: Sequence[Fraction], caps: Sequence[int]) -> list[int]:
    """Running totals A_1..A_n: each day gets what is due by then, up to its cap; the rest waits.

    R and K are the running totals of the rounded targets and of the caps, both from 0 at j = 0:
    A_i = min over j <= i of (R_j - K_j) + K_i.
    """
    due = [0, *map(round_half_away, itertools.accumulate(targets))]
    room = [0, *itertools.accumulate(caps)]
    return [min(due[j] - room[j] for j in range(i + 1)) + room[i] for i in range(1, len(due))]


def week_volume(sizes: Sequence[Size], factors: Sequence[Fraction]) -> list[tuple[int, int]]:
    """(PPV so far, bump so far) at the end of each date of a week that starts on Monday.

    `sizes` and `factors` (saturation x holiday) are the dates'; fewer than 7 give the week so far.
    """
    days = list(zip(sizes, factors, strict=True))
    caps = [size.daily_cap for size in sizes]
    ppv = capped_carry([Fraction(size.weekly_ppv, 7) * f for size, f in days], caps)
    left = [cap - count for cap, count in zip(caps, per_day(ppv), strict=True)]
    bump = capped_carry([Fraction(size.weekly_bump, 7) * f for size, f in days], left)
    return list(zip(ppv, bump, strict=True))


def per_day(totals: Sequence[int]) -> list[int]:
    """Running totals as the count of each day."""
    return [now - before for before, now in itertools.pairwise((0, *totals))]


def tier_sequence(segment: str, count: int) -> list[str]:
    """The tiers of the first `count` PPV messages of a week, by Webster's divisors."""
    seats = Counter()
    sequence = []
    for _ in range(count):
        mix = TIER_MIX[segment]
        best = max(
            PPV_TIERS,
            key=lambda tier: (mix[tier] / (seats[tier] + Fraction(1, 2)), -PPV_TIERS.index(tier)),
        )
        seats[best] += 1
        sequence.append(best)
    return sequence


@dataclass(frozen=True)
class DayPlan:
    """What a page sends on a day."""

    page_name: str
    schedule_date: date
    size: Size
    segment: str
    saturation_score: Fraction
    day_factor: Fraction
    num_ppv: int
    num_bump: int
    quotas: dict[str, int] = field(hash=False)  # tier -> messages, all four tiers


def day_plan(messages: Sequence[Message], page: str, day: date, holidays: Mapping[date, Fraction]) -> DayPlan:
    """The page's plan for a day, from the dates of its week up to that day.

    READING: each date of the week has the size that it had then, by the 30 dates before it; the
    segment is the day's.
    """
    own = [m for m in messages if m.page_name == page]
    segment = segment_of(weighted_price(own, page, day))
    week = [day - timedelta(days=back) for back in range(day.weekday(), -1, -1)]
    scores = [saturation_score(own, page, d, holidays) for d in week]
    factors = [
        saturation_factor(score) * holidays.get(d, Fraction(1)) for d, score in zip(week, scores, strict=True)
    ]
    sizes = [account_size(audience(own, page, d - timedelta(days=1))) for d in week]
    size = sizes[-1]
    totals = week_volume(sizes, factors)
    (ppv_before, bump_before), (ppv, bump) = [(0, 0), *totals][-2:]
    tiers = Counter(tier_sequence(segment, ppv)[ppv_before:])
    quotas = {tier: tiers[tier] for tier in PPV_TIERS} | {"bump": bump - bump_before}
    return DayPlan(
        page, day, size, segment, scores[-1], factors[-1],
        ppv - ppv_before, bump - bump_before, quotas,
    )  # fmt: skip


# --- 5.5, 5.6 Pool and weekly budget ----------------------------------------------------------


def is_cancelled(assignment: Row) -> bool:
    """READING: an inactive assignment whose reason begins with "cancel", in any case."""
    reason = (assignment.get("deactivation_reason") or "").strip().lower()
    return not assignment.get("is_active", True) and reason.startswith("cancel")


def assigned(assignments: Iterable[Row], page: str, first: date, last: date) -> list[Row]:
    """The page's assignments for the dates from first to last, swept or not, none cancelled."""
    return [
        row
        for row in assignments
        if page_key(row["page_name"]) == page
        and first <= row["scheduled_send_date"] <= last
        and not is_cancelled(row)
    ]


@dataclass(frozen=True)
class Usage:
    """What a page used on the 7 dates before a day, by the captions of its assignments."""

    urgent: int
    categories: Counter
    tiers: frozenset[str]
    urgencies: frozenset[bool]


def weekly_usage(
    assignments: Iterable[Row], captions: Mapping[int, Row], page: str, day: date, days: int = 7
) -> Usage:
    """The usage before `day`. `captions` are the bank's rows by id.

    READING: the tier is the assignment's own, category and urgency are the caption's today.
    """
    rows = assigned(assignments, page, day - timedelta(days=days), day - timedelta(days=1))
    known = [captions[row["caption_id"]] for row in rows if row["caption_id"] in captions]
    urgencies = [bool(caption["has_urgency"]) for caption in known]
    return Usage(
        urgent=sum(urgencies),
        categories=Counter(caption["content_category"] for caption in known),
        tiers=frozenset(row["price_tier"] for row in rows),
        urgencies=frozenset(urgencies),
    )


def budget_penalty(caption: Row, usage: Usage) -> float:
    """The first rule that holds decides; limits are 5 urgent messages and 20 of a category."""
    share = usage.categories[caption["content_category"]] / 20
    if caption["has_urgency"] and usage.urgent >= 4:
        return -0.5
    if share >= 0.8:
        return -0.3
    return -0.15 if share >= 0.6 else 0.0


def over_budget(caption: Row, usage: Usage) -> bool:
    """Whether the week has no room left for the caption's group."""
    return bool(caption["has_urgency"] and usage.urgent >= 5) or (
        usage.categories[caption["content_category"]] >= 20
    )


def diversity(caption: Row, usage: Usage) -> float:
    """The sum of the three bonuses and maluses; its weight of 0.15 stands in the score.

    READING: urgency is compared by value, so a calm caption after a calm week has the malus too.
    """
    return math.fsum(
        (
            -0.2 if usage.categories[caption["content_category"]] else 0.1,
            -0.2 if caption["price_tier"] in usage.tiers else 0.1,
            -0.1 if bool(caption["has_urgency"]) in usage.urgencies else 0.05,
        )
    )


def in_scope(restriction: Row, tier: str) -> bool:
    """Whether a restriction row speaks of captions of this tier."""
    scope = restriction["applies_to_scope"] or "ALL"
    return scope == "ALL" or (scope == "BUMP_ONLY") == (tier == "bump")


def matches(patterns: Iterable[str] | None, text: str) -> bool:
    """Whether any pattern is found in a form of the text, case as written. Broken ones match nothing.

    As in RE2, \\w and its like stand for ASCII's letters: `été` is not `\\w+`.
    """
    return any(re.search(p, form, re.ASCII) for p in patterns or () if compiles(p) for form in forms(text))


def forms(text: str) -> set[str]:
    """The text as it stands, as a fan reads it, and in plain letters: tags as nothing and as blanks.

    READING: letters are folded one by one, by Unicode's compatibility mapping; styles that it does not
    know (negative circles, small capitals) are left to the SQL's own tests.
    """
    undone = undo_entities(text)
    return {text, drop_tags(undone, ""), folded(drop_tags(undone, "")), folded(drop_tags(undone, " "))}


def folded(text: str) -> str:
    seen = without_formatting(text)
    bare = (char for char in unicodedata.normalize("NFC", seen) if unicodedata.category(char)[0] != "M")
    plain = ((char, unicodedata.normalize("NFKC", char).strip("()")) for char in bare)
    return one_blank("".join(kept if len(kept) == 1 else char for char, kept in plain))


def compiles(pattern: str) -> bool:
    """Whether the pattern is a regular expression (Python's; keep test patterns in RE2's part)."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True


def is_restricted(caption: Row, restrictions: Iterable[Row]) -> bool:
    """Whether one of the page's active restrictions forbids the caption."""
    return any(
        caption["content_category"] in (r["restricted_categories"] or ())
        or caption["price_tier"] in (r["restricted_price_tiers"] or ())
        or matches(r["hard_patterns"], caption["caption_text"])
        for r in restrictions
        if in_scope(r, caption["price_tier"])
    )


def is_discouraged(caption: Row, restrictions: Iterable[Row]) -> bool:
    """Whether a soft pattern of one of the page's active restrictions is found in the text."""
    return any(
        matches(r["soft_patterns"], caption["caption_text"])
        for r in restrictions
        if in_scope(r, caption["price_tier"])
    )


# --- 5.7 Score --------------------------------------------------------------------------------


def segment_multiplier(segment: str, tier: str) -> float:
    """What a segment adds to its own tiers."""
    if segment == "premium" and tier == "premium":
        return 1.25
    return 1.15 if segment == "budget" and tier in ("budget", "mid") else 1.0


def value_share(emv: float, page_median: float) -> float:
    """e / (e + median). READING: one half when both are 0, as for any e = median."""
    return emv / (emv + page_median) if emv + page_median else 0.5


def total_score(
    thompson: float,
    diversity_sum: float,
    value: float,
    penalty: float,
    multiplier: float,
    policy: str = "pooled",
) -> float:
    """The weighted sum of the components; the policy wilson keeps its old weights."""
    variety, budget = (0.15, 0.10) if policy == "wilson" else (0.05, 0.03)
    parts = (0.70 * thompson, variety * diversity_sum, 0.15 * value, budget * penalty)
    return math.fsum(parts) * multiplier


def rank_order(row: Row) -> tuple[bool, bool, bool, float, int]:
    """Sort key of scored captions: by chance, no soft pattern, a candidate, high score, small caption_id."""
    return (
        not row.get("is_by_chance", False),
        row["is_discouraged"],
        row.get("is_stand_in", False),
        -row["score"],
        row["caption_id"],
    )


def best_of_each_tier(scored: Iterable[Row], quotas: Mapping[str, int]) -> list[Row]:
    """The best captions of each tier by quota, best first over the priced tiers, then the free one.

    READING: of the captions that share a text only the best one competes, in its own tier; tiers
    without a quota do not take part.
    """
    texts: set[str] = set()
    taken: Counter = Counter()
    chosen = []
    for row in sorted(scored, key=rank_order):
        if row["caption_key"] in texts or not quotas.get(row["price_tier"]):
            continue
        texts.add(row["caption_key"])
        if taken[row["price_tier"]] < quotas.get(row["price_tier"], 0):
            taken[row["price_tier"]] += 1
            chosen.append(row)
    return sorted(chosen, key=lambda row: row["price_tier"] == "bump")


# --- 5.8 Hours --------------------------------------------------------------------------------


def smoothing_weights(hour: int) -> dict[int, float]:
    """How much each sending hour tells of one: Gaussian with 2 hours, 1 in all."""
    weights = {other: math.exp(-((hour - other) ** 2) / 8) for other in HOURS}
    total = math.fsum(weights.values())
    return {other: weight / total for other, weight in weights.items()}


def hour_lifts(
    residuals: Sequence[tuple[str, bool, int, float]], page: str, is_weekend: bool
) -> dict[int, float]:
    """Hour -> how much more a priced message of the page earns there, in logs.

    `residuals` are (page, on a weekend, hour, residual) of priced messages. READING: where a page's weekends
    are told apart, so are the agency's; hours at which nobody is to send tell nothing.
    """
    usable = [row for row in residuals if row[2] in HOURS]
    own = [row for row in usable if row[0] == page]
    has_two_sides = all(sum(row[1] == side for row in own) >= 30 for side in (True, False))

    def smooth(rows: Sequence[tuple[str, bool, int, float]], hour: int) -> tuple[float, float]:
        weights = smoothing_weights(hour)
        rows = [row for row in rows if not has_two_sides or row[1] == is_weekend]
        return math.fsum(weights[row[2]] * row[3] for row in rows), math.fsum(weights[row[2]] for row in rows)

    lifts = {}
    for hour in HOURS:
        (own_sum, own_count), (agency_sum, agency_count) = smooth(own, hour), smooth(usable, hour)
        agency = agency_sum / agency_count if agency_count > 1e-9 else 0.0
        lifts[hour] = (own_sum + 3 * agency) / (own_count + 3)
    return lifts


def rank_hours(lifts: Mapping[int, float]) -> dict[int, int]:
    """Hour -> rank from 1, the highest lift first, the earlier hour first among equals."""
    order = sorted(HOURS, key=lambda hour: (-round(lifts[hour], 9), hour))
    return {hour: rank for rank, hour in enumerate(order, start=1)}


def hours_left(day: date, as_of: datetime) -> list[int]:
    """The sending hours of a date that lie after as_of."""
    return [hour for hour in HOURS if hour_to_utc(day, hour) > as_of]


def most_messages(hours: Sequence[int], gap: int) -> int:
    """How many messages fit into hours without a hole, none closer than `gap`."""
    return (hours[-1] - hours[0]) // gap + 1 if hours else 0


def best_hours(ranks: Mapping[int, int], count: int, gap: int, hours: Sequence[int] = HOURS) -> list[int]:
    """The best `count` of some `hours`, no closer than `gap`, best hour first.

    Of all such sets the one whose ranks, best first, come first in lexicographic order.
    Raises ValueError if so many do not fit.
    """
    sets = [
        sorted(ranks[hour] for hour in taken)
        for taken in itertools.combinations(hours, count)
        if all(later - earlier >= gap for earlier, later in itertools.pairwise(taken))
    ]
    if not sets:
        raise ValueError(f"{count} messages do not fit with a gap of {gap} hours")
    hour_of = {rank: hour for hour, rank in ranks.items()}
    return [hour_of[rank] for rank in min(sets)]


# --- Everything at one moment -----------------------------------------------------------------


class Oracle:
    """What every table should hold at `as_of`, from the raw input tables and the locks.

    `tables` are lists of rows by input name, typed or as CSV text; `assignments` are rows of
    active_caption_assignments; `holidays` is date -> factor; `scores_seen_at` is when the bank's scores
    were first seen, as_of unless given.
    """

    def __init__(
        self,
        tables: Tables,
        as_of: datetime,
        assignments: Sequence[Row] = (),
        holidays: Mapping[date, Any] = HOLIDAYS,
        rules: Rules = Rules(),
        scores_seen_at: datetime | None = None,
    ) -> None:
        self.scores_seen_at = scores_seen_at or as_of
        self.as_of = utc(as_of)
        self.execution_date = local_date(as_of)
        self.assignments = assignments
        self.holidays = {day: Fraction(str(factor)) for day, factor in holidays.items()}
        self.rules = rules
        self.checked = {source: check_rows(source, tables.get(source, ()), as_of) for source in COLUMNS}

    def accepted(self, source: str) -> list[Row]:
        """The usable rows of an input, cast to their types."""
        return [row for row, _ in self.checked[source] if row is not None]

    def rejected(self, source: str) -> list[tuple[int, str]]:
        """(position in the input, kind of fault) of every row that cannot be used."""
        return [(i, fault) for i, (row, fault) in enumerate(self.checked[source]) if row is None]

    def reconciliation(self) -> dict[str, tuple[int, int, int]]:
        """Input -> (rows read, accepted, rejected)."""
        return {
            source: (len(rows), len(self.accepted(source)), len(self.rejected(source)))
            for source, rows in self.checked.items()
        }

    @cached_property
    def messages(self) -> list[Message]:
        return [Message(**row) for row in self.accepted("mass_messages")]

    @cached_property
    def outcomes(self) -> list[Outcome]:
        """All outcomes, also those before the statistics window."""
        bank = self.accepted("caption_bank")
        return message_outcomes(self.messages, bank, self.as_of, self.rules, set(self.captions))

    @cached_property
    def window(self) -> list[Outcome]:
        """The outcomes in the statistics window."""
        return in_stats_window(self.outcomes, self.as_of, self.rules)

    def bandit_stats(self, previous: Sequence[Row] = ()) -> list[Row]:
        """caption_bandit_stats, after a run that found `previous`."""
        return caption_bandit_stats(self.window, self.as_of, previous)

    @cached_property
    def _stats(self) -> dict[tuple[str, int], Row]:
        return {(row["page_name"], row["caption_id"]): row for row in self.bandit_stats()}

    @cached_property
    def taught(self) -> list[Outcome]:
        """The outcomes in the window of beliefs."""
        start = self.as_of - timedelta(days=self.rules.belief_window_days)
        return [o for o in self.outcomes if o.sending_time >= start]

    @cached_property
    def beliefs(self) -> dict[str, Belief]:
        """Quantity -> belief."""
        bumps = {caption_id for caption_id, row in self.captions.items() if row["price_tier"] == "bump"}
        free = [o for o in self.taught if o.caption_id in bumps]
        self.bumps_are_priced = bool(free) and 2 * sum(o.price > 0 or o.earnings > 0 for o in free) >= len(
            free
        )
        seen = lessons(self.taught)
        found = {name: Belief(name, seen[name], bumps, self.bumps_are_priced) for name in PRIORS}
        bank = self.accepted("caption_bank")
        scores = {
            row["caption_id"]: row["overall_performance_score"]
            for row in bank
            if row["overall_performance_score"] is not None
        }
        yardsticks = [
            row["caption_id"]
            for row in bank
            if row["usage_status"] in SCHEDULABLE_STATUSES and row["price_tier"] in PPV_TIERS
        ]
        self.score_slope = trust_the_score(
            found["value"], seen["value"], score_logits(scores, yardsticks),
            dict.fromkeys(scores, self.scores_seen_at),
        )  # fmt: skip
        return found

    @cached_property
    def widths(self) -> dict[str, float]:
        earned: dict[str, list[float]] = defaultdict(list)
        for o in self.taught:
            earned[o.page_name].append(o.earnings)
        return exploration_widths({page: math.fsum(found) for page, found in earned.items()})

    @cached_property
    def hour_residuals(self) -> list[tuple[str, bool, int, float]]:
        """(page, on a weekend, hour, residual) of the priced messages."""
        value = self.beliefs["value"]
        return [
            (
                lesson.page, local_date(lesson.sending_time).weekday() >= 5,
                utc(lesson.sending_time).astimezone(LOS_ANGELES).hour,
                lesson.y - value.posterior(lesson.page, lesson.caption_id)[0],
            )
            for lesson in lessons(self.taught)["value"]
            if lesson.caption_id not in value.bumps
        ]  # fmt: skip

    def hour_lifts(self, page: str) -> dict[int, float]:
        return hour_lifts(self.hour_residuals, page, self.execution_date.weekday() >= 5)

    def page_median(self, page: str) -> float:
        """Median EMV of the 30 dates that end with the execution date, else 0."""
        found = median_emv(self.messages, page, self.execution_date, self.rules.recent_days)
        return 0.0 if found is None else found

    def active_pages(self) -> list[str]:
        return active_pages(self.messages, self.execution_date, self.rules.recent_days)

    def plan(self, page: str) -> DayPlan:
        return day_plan(self.messages, page, self.execution_date, self.holidays)

    @cached_property
    def captions(self) -> dict[int, Row]:
        """Captions by id: the bank's, else the legacy table's."""
        legacy = {row["caption_id"]: row for row in self.accepted("captions")}
        return legacy | {row["caption_id"]: row for row in self.accepted("caption_bank")}

    def usage(self, page: str) -> Usage:
        bank = {row["caption_id"]: row for row in self.accepted("caption_bank")}
        return weekly_usage(self.assignments, bank, page, self.execution_date, self.rules.reuse_days)

    def restrictions(self, page: str) -> list[Row]:
        """READING: all of the page's active rows hold together."""
        rows = self.accepted("creator_caption_restrictions")
        return [row for row in rows if row["page_name"] == page and row["is_active"]]

    def locked_texts(self, page: str) -> set[str]:
        """Keys of the texts assigned to the page within 7 days before or after the day."""
        around = timedelta(days=self.rules.reuse_days)
        rows = assigned(self.assignments, page, self.execution_date - around, self.execution_date + around)
        return {caption_key_v2(self._assigned_text(row)) for row in rows} - {None}

    def _assigned_text(self, row: Row) -> str | None:
        if row.get("caption_text") is not None:
            return row["caption_text"]
        return self.captions.get(row["caption_id"], {}).get("caption_text")

    def pool(self, page: str) -> list[Row]:
        """The captions that may be scheduled on the page on the execution date, by id."""
        restrictions, usage = self.restrictions(page), self.usage(page)
        locked = self.locked_texts(page)
        return [
            caption
            for _, caption in sorted(self._schedulable.items())
            if caption["caption_key"] not in locked
            and not is_restricted(caption, restrictions)
            and not over_budget(caption, usage)
        ]

    @cached_property
    def _schedulable(self) -> dict[int, Row]:
        """READING: of the ids with one text and tier the smallest stands for all, as in learning."""
        first: dict[tuple[str, str], Row] = {}
        for row in sorted(self.accepted("caption_bank"), key=lambda row: row["caption_id"]):
            if row["usage_status"] in SCHEDULABLE_STATUSES and row["price_tier"] in TIERS:
                key = caption_key_v2(row["caption_text"])
                first.setdefault((key, row["price_tier"]), row | {"caption_key": key})
        return {row["caption_id"]: row for row in first.values()}

    def faults(self, page: str) -> list[str]:
        """Why the page cannot be scheduled, [] if it can.

        READING: minimum pools count the captions of the day's pool; a page without an active
        restriction has no minimum. A tier is needed if the day has a quota for it.
        """
        restrictions = self.restrictions(page)
        patterns = [
            pattern
            for row in restrictions
            for pattern in (row["hard_patterns"] or []) + (row["soft_patterns"] or [])
        ]
        if not all(map(compiles, patterns)):
            return ["pattern"]
        tiers = Counter(caption["price_tier"] for caption in self.pool(page))
        found = [
            f"no caption in tier {tier}"
            for tier, quota in self.plan(page).quotas.items()
            if quota and not tiers[tier]
        ]
        if sum(tiers[tier] for tier in PPV_TIERS) < self._minimum(restrictions, "ppv"):
            found.append("ppv pool")
        if tiers["bump"] < self._minimum(restrictions, "bump"):
            found.append("bump pool")
        return found

    def _minimum(self, restrictions: Sequence[Row], kind: str) -> int:
        default = getattr(self.rules, f"default_min_{kind}_pool")
        scopes = ("ALL", "PPV_ONLY" if kind == "ppv" else "BUMP_ONLY")
        given = [row[f"min_{kind}_pool"] for row in restrictions if row["applies_to_scope"] in scopes]
        return max((default if m is None else m for m in given), default=0)

    @cached_property
    def ranked(self) -> dict[str, list[int]]:
        """Tier -> its captions, the best by what all pages believe first."""
        value, opens = self.beliefs["value"], self.beliefs["opens"]

        def order(caption_id: int) -> tuple[float, int]:
            believed = opens.shared(caption_id)[0]
            if self.is_judged_by_value(self._schedulable[caption_id]):
                believed += value.shared(caption_id)[0]
            return -round(believed, 9), caption_id

        tiers: dict[str, list[int]] = defaultdict(list)
        for caption_id, caption in self._schedulable.items():
            tiers[caption["price_tier"]].append(caption_id)
        return {tier: sorted(captions, key=order) for tier, captions in tiers.items()}

    def is_judged_by_value(self, caption: Row) -> bool:
        return caption["price_tier"] != "bump" or (bool(self.beliefs) and self.bumps_are_priced)

    def candidates(self, page: str) -> dict[int, bool]:
        """Caption of the page's pool -> whether it stands in only; who is not in it is not considered."""
        pool = {caption["caption_id"]: caption for caption in self.pool(page)}
        if self.rules.caption_policy == "wilson":
            return dict.fromkeys(pool, False)
        found: dict[int, bool] = {}
        for tier, captions in self.ranked.items():
            free = [caption_id for caption_id in captions if caption_id in pool]
            for number, caption_id in enumerate(free[:200], start=1):
                found[caption_id] = number > 100 or captions.index(caption_id) >= 2000
            found |= {drawn: False for drawn in self._draws(page, tier) if drawn in pool}
        seen = {
            (o.page_name, o.caption_id) for o in self.taught if lessons([o])["value"] or lessons([o])["opens"]
        }
        found |= {caption_id: False for caption_id in pool if (page, caption_id) in seen}
        return found

    def _draws(self, page: str, tier: str) -> list[int]:
        """The captions at the 20 ranks that the page drew in the tier, in the order of the draws."""
        captions, day = self.ranked.get(tier, []), self.execution_date.isoformat()
        ranks = (math.floor(uniform_draw(f"{day}|{page}|{tier}|{j}") * len(captions)) for j in range(1, 21))
        return [captions[rank] for rank in ranks] if captions else []

    def by_chance(self, page: str) -> set[int]:
        """The captions that chance picks for the page's day; none on a holiday."""
        picked: set[int] = set()
        if self.execution_date in self.holidays:
            return picked
        restrictions = self.restrictions(page)
        pool = {row["caption_id"] for row in self.pool(page) if not is_discouraged(row, restrictions)}
        for tier in PPV_TIERS:
            u = uniform_draw(f"{self.execution_date.isoformat()}|{page}|{tier}|chance slots")
            slots = math.floor(self.rules.holdout_share * self.plan(page).quotas[tier] + u)
            hits = dict.fromkeys(caption_id for caption_id in self._draws(page, tier) if caption_id in pool)
            picked.update(list(hits)[:slots])
        return picked

    def scores(self, page: str, segment: str | None = None) -> list[Row]:
        """Every candidate of the page with all components of its score, best first."""
        segment = segment or self.plan(page).segment
        usage, restrictions = self.usage(page), self.restrictions(page)
        considered = self.candidates(page)
        rows = []
        for caption in self.pool(page):
            if caption["caption_id"] not in considered:
                continue
            parts = self._components(page, caption)
            parts |= {
                "diversity": diversity(caption, usage),
                "budget_penalty": budget_penalty(caption, usage),
                "segment_multiplier": segment_multiplier(segment, caption["price_tier"]),
                "is_stand_in": considered[caption["caption_id"]],
            }
            score = total_score(
                parts["thompson"], parts["diversity"], parts["value"],
                parts["budget_penalty"], parts["segment_multiplier"], self.rules.caption_policy,
            )  # fmt: skip
            discouraged = is_discouraged(caption, restrictions)
            rows.append(caption | parts | {"is_discouraged": discouraged, "score": score})
        return sorted(rows, key=rank_order)

    def _components(self, page: str, caption: Row) -> Row:
        """The parts of the score that the policy decides, and what they came from."""
        caption_id, opens = caption["caption_id"], self.beliefs["opens"]
        kind = "bump" if caption["price_tier"] == "bump" else "priced"
        judged_by = self.beliefs["value"] if self.is_judged_by_value(caption) else opens
        mean, sd = judged_by.posterior(page, caption_id, kind)
        lift = 0.0
        if judged_by is not opens:
            lift = opens.posterior(page, caption_id, kind)[0] - opens.level(page, kind)
        level = judged_by.level(page, kind)
        cell = judged_by.cells.get((page, caption_id))
        parts = {
            "quantity": judged_by.quantity, "outcome_count": cell.n if cell else 0,
            "mean": mean, "sd": sd, "lift": lift, "level": level,
            "width": self.widths.get(page, 1.0), "page_median_emv": self.page_median(page),
        }  # fmt: skip
        if self.rules.caption_policy == "pooled":
            u = week_draw(self.execution_date, page, caption_id)
            draw = mean + lift + parts["width"] * sd * stray(u)
            thompson, value = logistic(1.702 * (draw - level)), logistic(mean + lift - level)
        else:
            u = day_draw(self.execution_date, page, caption_id)
            stats = self._stats.get((page, caption_id))
            counts = (stats["successes"], stats["failures"]) if stats else (1, 1)
            parts["outcome_count"] = sum(counts) - 2
            draw = thompson = wilson_draw(*counts, u)
            page_median = parts["page_median_emv"]
            value = value_share(stats["avg_emv"] if stats else page_median, page_median)
        return parts | {"u": u, "draw": draw, "thompson": thompson, "value": value}

    def selection(
        self, page: str, quotas: Mapping[str, int] | None = None, segment: str | None = None
    ) -> list[Row]:
        """The captions that go out, best first; quotas and segment are the day's unless given.

        Where chance picked one of them, a draw orders those that have a price. What is asked for with
        quotas is all chosen.
        """
        scored = self.scores(page, segment)
        picked = set() if quotas else self.by_chance(page)
        for row in scored:
            row["is_by_chance"] = row["caption_id"] in picked
        chosen = best_of_each_tier(scored, quotas or self.plan(page).quotas)
        if any(row["is_by_chance"] for row in chosen):
            day = self.execution_date.isoformat()
            priced = [row for row in chosen if row["price_tier"] != "bump"]
            priced.sort(key=lambda row: uniform_draw(f"{day}|{page}|{row['caption_id']}|hour"))
            chosen = priced + [row for row in chosen if row["price_tier"] == "bump"]
        return chosen

    def message_count(self, page: str) -> int:
        """How many of the day's messages the hours after as_of take."""
        plan = self.plan(page)
        room = most_messages(hours_left(self.execution_date, self.as_of), plan.size.gap)
        return min(sum(plan.quotas.values()), room)

    def sent(self, page: str) -> list[Row]:
        """The selection less what the hours left do not take, the worst captions."""
        return self.selection(page)[: self.message_count(page)]

    def schedule(self, page: str, ranks: Mapping[int, int]) -> list[Row]:
        """What is sent with its hours, by hour; `ranks` is the page's hour ranking of the day.

        The best priced caption takes the best hour; free ones take what is left.
        """
        chosen = self.sent(page)
        hours = best_hours(
            ranks, len(chosen), self.plan(page).size.gap, hours_left(self.execution_date, self.as_of)
        )
        rows = [
            row | {"hour": hour, "scheduled_send_time": hour_to_utc(self.execution_date, hour)}
            for row, hour in zip(chosen, hours, strict=True)
        ]
        return sorted(rows, key=lambda row: row["hour"])
