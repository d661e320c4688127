"""Texts and values as people type them, and as JSON carries them."""

import re
import unicodedata
from collections.abc import Mapping, Sized
from datetime import date, datetime
from typing import Any

# As unseen_characters(), unseen_joiners() and white_space() of macros/staging; format characters apart.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u20e3\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


def page_key(name: str) -> str:
    """A page's name as the project compares it: the macro clean_text once more."""
    seen = "".join(char for char in _UNSEEN.sub("", name) if unicodedata.category(char) != "Cf")
    composed = unicodedata.normalize("NFC", seen)
    lowered = "".join(char.lower()[0] for char in composed)
    return _WHITE_SPACE.sub(" ", lowered).strip(" ")


def plain(value: Any) -> Any:
    """`value` as JSON can carry it: times as ISO-8601 (UTC with a Z), dates as YYYY-MM-DD."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def counted(things: int | Sized, name: str) -> str:
    """How many there are: `1 page`, `1,200 pages`."""
    number = things if isinstance(things, int) else len(things)
    return f"{number:,} {name}{'' if number == 1 else 's'}"
