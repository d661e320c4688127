"""A database whose texts were keyed by another rule: what the first run makes of it.

Real dbt and a real DuckDB file. The rule from before is today's with a step left out, so that tags and
selectors were part of a text and a price lost its point.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.python.harness import AS_OF, Project

pytestmark = pytest.mark.slow

RULE = "macros/udfs/caption_key_v2.sql"
TODAY = "replace_pattern(readable_text(message), unseen, '')"
BEFORE = "replace_pattern(message, '[.]', '')"
BANK = [
    {"caption_id": 1, "caption_text": "only $500 today"},
    {"caption_id": 2, "caption_text": "only $5.00 today"},
    {"caption_id": 3, "caption_text": "a heart \u2764 for you"},
    {"caption_id": 4, "caption_text": "come in"},
]
# The message, the caption that the old rule gave it, and what the new one gives.
SENT = {
    1: ("only $5.00 today", 1, 2),
    2: ("only $500 today", 1, 1),
    3: ("a heart \u2764\ufe0f for you", None, 3),
    4: ("come in", 4, 4),
    5: ("come<br>in", None, 4),
    6: ("what the bank never had", None, None),
}
DAYS = {"old": 40, "new": 3}
OLD, NEW = 100, 0  # what is added to the row_ids


def messages(age: str) -> list[dict]:
    first = {"old": OLD, "new": NEW}[age]
    return [
        {"row_id": first + n, "caption_id": None, "message": text,
         "sending_time": AS_OF - timedelta(days=DAYS[age], minutes=n)}
        for n, (text, _, _) in SENT.items()
    ]  # fmt: skip


def captions(project: Project) -> dict[int, int]:
    return {row["row_id"]: row["caption_id"] for row in project.table("message_outcomes")}


def of_rule(number: int, first: int) -> dict[int, int]:
    """The outcomes that the old rule (1) or the new one (2) gives."""
    return {first + n: sent[number] for n, sent in SENT.items() if sent[number] is not None}


@pytest.fixture
def before(project: Project) -> Project:
    """A project with today's rule, over a database that the old rule keyed."""
    today = (project.directory / RULE).read_text()
    project.edit(RULE, TODAY, BEFORE)
    project.write_inputs(mass_messages=[*messages("old"), *messages("new")], caption_bank=BANK)
    project.run("performance")
    assert captions(project) == of_rule(1, OLD) | of_rule(1, NEW)
    (project.directory / RULE).write_text(today)
    return project


@pytest.mark.parametrize(("flags", "is_first_to_note"), [((), True), (("--full-refresh",), False)])
def test_what_the_input_holds_is_keyed_again_and_the_rest_keeps_its_caption(
    before: Project, flags: tuple[str, ...], is_first_to_note: bool
) -> None:
    if is_first_to_note:  # a database from before any version was noted
        before.execute("delete from project_state where fact like '%_keyed_by'")
    before.write_inputs(mass_messages=messages("new"), caption_bank=BANK)
    report = before.run("performance", *flags).json
    expected = of_rule(1, OLD) | of_rule(2, NEW)
    assert captions(before) == expected
    [note] = report["notes"]
    assert "6 messages of the input are keyed again" in note
    assert "3 outcomes of messages that it no longer holds keep their caption" in note
    assert report["status"] == "SUCCESS"

    for again in ((), ("--full-refresh",)):
        report = before.run("performance", *again).json
        assert captions(before) == expected
        assert report["notes"] == []
    health = {row["check_name"]: row["check_status"] for row in before.table("health_checks")}
    assert health["caption_match_rate"] == "PASS"


def test_a_whole_input_ends_where_a_new_database_would(before: Project) -> None:
    before.run("daily", code=None)  # the day's run may come first
    shown = before.eros("run", "performance", "--as-of", AS_OF.isoformat())
    assert "12 messages of the input are keyed again" in " ".join(shown.stdout.split())
    assert captions(before) == of_rule(2, OLD) | of_rule(2, NEW)


def test_a_run_that_dies_leaves_the_rest_to_the_next(before: Project) -> None:
    before.edit(
        "models/learning/message_outcomes.sql", "select * from final", "select error('dies') from final"
    )
    before.run("performance", code=1)
    before.edit(
        "models/learning/message_outcomes.sql", "select error('dies') from final", "select * from final"
    )
    report = before.run("performance").json
    assert captions(before) == of_rule(2, OLD) | of_rule(2, NEW)
    assert len(report["notes"]) == 1


def test_a_text_is_keyed_once_and_anew_when_it_changes(project: Project) -> None:
    project.write_inputs(mass_messages=messages("new"), caption_bank=BANK)
    project.run("performance")
    whole = {row["caption_id"]: row["caption_key"] for row in project.table("stg_caption_bank")}
    project.execute("update caption_bank_checked set caption_key = 'kept' where caption_id in (3, 4)")

    changed = [*BANK[:3], {"caption_id": 4, "caption_text": "come out"}]
    project.write_inputs(mass_messages=messages("new"), caption_bank=changed)
    project.run("performance")
    keys = {row["caption_id"]: row["caption_key"] for row in project.table("stg_caption_bank")}
    assert (keys[1], keys[2], keys[3]) == (whole[1], whole[2], "kept")
    assert keys[4] not in ("kept", whole[4])

    project.run("performance", "--full-refresh")
    assert project.query("select caption_key from stg_caption_bank where caption_id = 3") == [
        {"caption_key": whole[3]}
    ]
