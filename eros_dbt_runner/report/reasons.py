"""Why a caption was chosen, in sentences."""

from collections.abc import Mapping
from typing import Any

from eros_dbt_runner.texts import counted

# A draw that moves the belief by less than a quarter is not worth a sentence.
NOTABLE_LUCK = 1.25


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
    if message["quantity"] == "opens":
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
        return f"Known from {counted(sent, 'result')} here."
    if pages:
        return f"Never tried here; known from {counted(pages, 'other page')}."
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
