"""Random texts as people's tools write them, for tests that compare engines and the oracle."""

from __future__ import annotations

import random
import sys
import unicodedata

# In order: entities, what is none; tags, what is none; points and digits; what nobody sees; emoji with and
# without a variation selector, letters of other styles, marks, white space.
PIECES = (
    "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&apos;", "&nbsp;", "&#x1F525;", "&#65;", "&#X41;", "&#0;",
    "&#1114111;", "&#00000000053;", "&#46;", "&#8203;", "&#x200d;", "&#119839;", "&#768;",
    "&#55296;", "&#xDFFF;", "&#1114112;", "&#xfffffff;", "&copy;", "&LT;",
    "&amp", "&#;", "&#x;", "lt;", "#53;",
    "<b>", "</b>", "<br/>", "<br />", "</p >", "<BR>", '<img src="x">', "<a\u00a0x>", "<hr/ >", "<h1>",
    "<menu: $5>", "<wet>", "<3", "<b", "<h7>", "< b>", "</ b>", "<b//>", "<\u017f>", "<bx>",
    "5.00", "$1.2.3", "1,500", ".", "..", "5.", "\u0663.\u0665", "5\u200d.0",
    "\ufe0f", "\ufe0e", "\u20e3", "\u034f", "\u3164", "\u115f", "\uffa0", "\u00ad", "\u200b",
    "\u200d", "\u200c",
    "\u202e", "\u2060", "\u2069", "\ufeff", "\U000e0020", "\U000e0101", "\u2800", "\u061c", "\u180e",
    "\x00", "\x1f",
    "❤️", "❤", "☀️", "☀", "1️⃣", "👩\u200d💻", "🔥", "Ⓐ", "ⓕ", "𝗙", "𝖊", "ｆ", "ℱ", "⒡", "²", "K", "Å",
    "é", "e\u0301", "e\u200b\u0301", "f\u0336", "İ", "Σ", "ς", "ß", "ẞ", "ſ",
    "\x85", "\u00a0", "\u2003", "\u2028", "\v", "\t", "\n", " ", "  ",
)  # fmt: skip
CHARACTERS = tuple(
    chr(n) for n in range(1, sys.maxunicode) if unicodedata.category(chr(n)) not in ("Cs", "Cn", "Co")
)
USUAL = "abcDEF 123_!?,.\t\n\u00a0é\u0301İßſσς🔥❤️‍👩👍🏽&<>;#x"


def random_texts(count: int, seed: int) -> list[str]:
    """Texts of any script, marks, emoji and white space, of entities and tags; the usual ones most."""
    rng = random.Random(seed)

    def part() -> str:
        kind = rng.random()
        return rng.choice(PIECES if kind < 0.5 else USUAL if kind < 0.8 else CHARACTERS)

    return ["".join(part() for _ in range(rng.randint(0, 10))) for _ in range(count)]
