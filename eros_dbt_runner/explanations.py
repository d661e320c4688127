"""Why a caption was chosen, in words.

`meaning` says what each column of schedule_recommendations means, for `eros explain`; `why` tells the
story of one message in sentences, for `eros report`.
"""

from collections.abc import Mapping
from typing import Any

# A draw that moves the belief by less than a quarter is not worth a sentence.
NOTABLE_LUCK = 1.25

MEANINGS = {
    "schedule_id": "the page's schedule of that day: page_YYYYMMDD",
    "time_slot_rank": "position in the day, by time",
    "page_name": "the creator's page",
    "schedule_date": "the day, on the agency's wall clock",
    "scheduled_send_time": "when it goes out",
    "send_hour": "the hour on the agency's wall clock",
    "local_send_hour": "the hour on the agency's wall clock",
    "message_type": "PPV has a price, BUMP is free",
    "caption_id": "the caption",
    "caption_text": "its text",
    "caption_key": "fingerprint of the normalised text; one text rests 7 days on a page",
    "price_tier": "the tier whose quota of the day this caption fills",
    "content_category": "what the content is about",
    "has_urgency": "whether the text presses for time",
    "account_size": "MICRO to MEGA by audience; sets volume, minimum gap and daily maximum",
    "behavioral_segment": "what the page's fans pay for; sets the mix of tiers",
    "caption_policy": "the rule that made the draw: pooled beliefs, or wilson bounds of the pair",
    "selection_rank": "rank among all captions chosen for the day; 1 gets the best hour",
    "tier_rank": "rank within its tier; the first so many fill the tier's quota",
    "is_soft_restricted": "matches a soft pattern: ranked below every caption that matches none",
    "soft_restricted": "matches a soft pattern: ranked below every caption that matches none",
    "outcome_count": "how often it was sent on this page, with an outcome, while beliefs look back",
    "page_median_emv": "the page's median EMV in US dollars: what a usual message brings",
    "quantity": "what it is judged by: value, earnings per view; opens, views per recipient",
    "posterior_mean": "the belief: expected log of that on this page, from this and all other pages",
    "posterior_sd": "how unsure the belief is; it shrinks with every message sent",
    "opens_lift": "how much more often it is opened than usual, in logs; adds to what a view earns",
    "page_level": "what a usual message of the kind brings on this page, in logs",
    "message_variance": "how much two sends of one caption on one page differ, in squared logs",
    "exploration_width": "how far draws stray from beliefs; less on a page that earns much",
    "uniform_draw": "the reproducible random number of week, page and caption, between 0 and 1",
    "draw": "the belief after chance had its say, so that little-known captions get a try",
    "thompson": "the draw against the page's level, from 0 to 1; weighs 0.70",
    "diversity": "category, tier and urgency not used lately raise it; weighs 0.05",
    "value": "the belief against the page's level, from 0 to 1; weighs 0.15",
    "budget_penalty": "0 or less: the week's urgent or category budget is nearly used; weighs 0.03",
    "segment_multiplier": "1.25 or 1.15 where the tier suits the page's segment, else 1",
    "score": "(0.70 thompson + 0.05 diversity + 0.15 value + 0.03 budget penalty) x multiplier",
    "hour_lift": "how much more a priced message earns at that hour on this page, in logs",
    "is_active": "false once the recommendation was withdrawn",
    "created_at": "as_of of the run that published it",
}


def meaning(column: str) -> str:
    """What a column means; empty for one that speaks for itself."""
    return MEANINGS.get(column, "")


def why(message: Mapping[str, Any]) -> list[str]:
    """Sentences, the weightiest first; `message` is a row of day_facts with the parts of its score."""
    if message["score"] is None:
        return ["It was published by hand, or by a version that kept no score."]
    told = [_belief(message), _experience(message), _luck(message), _variety(message["diversity"])]
    if message["budget_penalty"] < 0:
        told.append("The week's share of urgent captions, or of this category, is nearly used up.")
    if message["segment_multiplier"] > 1:
        told.append(f"Its tier suits what fans of this page pay (×\u00a0{message['segment_multiplier']:g}).")
    if message["is_soft_restricted"]:
        told.append("It matches a pattern this page would rather avoid; nothing better was free.")
    return [sentence for sentence in told if sentence]


def times(ratio: float) -> str:
    """A multiple as people read it: 0.07 ×, 2.1 ×, 21 ×."""
    digits = ",.0f" if ratio >= 9.95 else ".1f" if ratio >= 0.095 else ".1g"
    return f"{ratio:{digits}}\u00a0×"  # never broken between lines


def _belief(message: Mapping[str, Any]) -> str:
    if message["caption_policy"] != "pooled":
        return f"Its record on this page drew a chance of {message['draw']:.0%} to beat the usual message."
    if message["believed"] is None:
        return "The usual message of this page brings nothing, so there is no yardstick for it."
    if message.get("quantity") == "opens":
        return (
            f"Expected to be opened {times(message['believed'])} as often as the usual free message of this"
            f" page (4 chances in 5: {times(message['believed_low'])} to {times(message['believed_high'])})."
        )
    return (
        f"Expected to bring {times(message['believed'])} the usual message of this page"
        f" (4 chances in 5: {times(message['believed_low'])} to {times(message['believed_high'])})."
    )


def _experience(message: Mapping[str, Any]) -> str:
    sent, pages = message["outcome_count"], message["page_count"]
    if sent:
        return f"Known from {_count(sent, 'result')} here."
    if pages:
        return f"Never tried here; known from {_count(pages, 'other page')}."
    return "Never tried anywhere: a first try."


def _luck(message: Mapping[str, Any]) -> str:
    """What the day's draw did to a belief; captions that are little known move the most."""
    luck, believed = message["luck"], message["believed"]
    if luck is None or believed is None or 1 / NOTABLE_LUCK < luck < NOTABLE_LUCK:
        return ""
    return f"The day's draw {'raised' if luck > 1 else 'lowered'} that to {times(believed * luck)}."


def _variety(diversity: float) -> str:
    if diversity >= 0.2:
        return "Nothing of its kind went out lately."
    if diversity > 0:
        return "It differs from most that went out lately."
    return "It is much like what went out lately." if diversity < 0 else ""


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
