"""Whatever moments runs were for, and whatever the input had lost: the last run decides.

Real dbt and real DuckDB files. The last moment's run alone, over all the messages there are, is what every
sequence of runs has to end in.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from eros_dbt_runner import clock
from tests.python import histories
from tests.python.harness import AS_OF, Project, Row
from tests.python.oracle import local_date

pytestmark = pytest.mark.slow

LEARNT = {
    "message_outcomes": (),
    "caption_bandit_stats": ("last_updated",),
    "belief_outcomes": (),
    "belief_variances": (),
    "cell_beliefs": (),
    "page_beliefs": (),
    "caption_beliefs": (),
    "stg_mass_messages": (),
}
Messages = list[Row]


def learnt(project: Project) -> dict[str, list[Row]]:
    return {table: project.table(table, without=without) for table, without in LEARNT.items()}


def sent(row: Row) -> datetime | None:
    return row["sending_time"] if isinstance(row["sending_time"], datetime) else None


def last_days(days: int, end: datetime) -> Callable[[Messages], Messages]:
    """A rolling export: what was sent in the last days, and what has no time."""
    return lambda rows: [row for row in rows if sent(row) is None or sent(row) >= end - timedelta(days=days)]


def ways_to_lose(rng: random.Random, end: datetime) -> list[Callable[[Messages], Messages]]:
    return [
        lambda rows: rows,
        last_days(60, end),
        last_days(5, end),
        lambda rows: rows[: rng.randint(1, len(rows))],  # cut off
        lambda rows: rng.sample(rows, len(rows) // 2),  # a shard is missing
        lambda _: [],  # the header alone
    ]


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_any_sequence_of_moments_ends_where_the_last_one_alone_would(
    project: Project, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    rng = random.Random(seed)
    history = histories.make_history(seed, pages=3, captions=60, messages=400, bad_share=0.02)
    end, whole = history.as_of, history.tables
    # Before most rows are due, and with half of them gone, the few bad ones are many.
    project.edit("dbt_project.yml", "max_rejected_share: 0.05", "max_rejected_share: 1")
    alone = project.clone(tmp_path_factory.mktemp("alone") / "project")
    alone.write_inputs(whole)
    alone.run("performance", as_of=end)
    expected = learnt(alone)
    assert len(expected["message_outcomes"]) > 200

    moments = [
        end,
        end - timedelta(days=rng.randint(1, 80)),
        end + timedelta(days=rng.randint(1, 20)),
        datetime(2020, 1, 1, tzinfo=timezone.utc),
        datetime(2040, 6, 1, tzinfo=timezone.utc),
    ]
    losses = ways_to_lose(rng, end)
    steps = [("performance", rng.choice(moments), losses[0])]
    for _ in range(5):
        schedule = rng.choice(("performance", "performance", "performance --full-refresh", "daily", "sweep"))
        steps.append((schedule, rng.choice(moments), rng.choice(losses)))
    steps.append(("performance", end, rng.choice(losses)))
    for command, moment, lose in steps:
        project.write_inputs({**whole, "mass_messages": lose(whole["mass_messages"])})
        # A schedule for a day that no calendar knows is refused; that too may change nothing that is learnt.
        project.run(*command.split(), as_of=moment, code=None if command == "daily" else 0)
    for table, rows in learnt(project).items():
        assert rows == expected[table], f"{table} after {[(name, str(day)) for name, day, _ in steps]}"


def test_a_killed_run_at_a_past_moment_is_made_good(project: Project) -> None:
    messages = [
        {"row_id": n, "caption_id": n, "sending_time": AS_OF - timedelta(days=n, hours=6)}
        for n in range(1, 60)
    ]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": n} for n in range(1, 60)])
    project.run("performance")
    before = learnt(project)
    for model in ("mass_messages_checked", "message_outcomes", "belief_variances"):
        child = project.start("run", "performance", "--as-of", (AS_OF - timedelta(days=40)).isoformat())
        child.wait_for(model)
        child.kill()
        child.wait()
        project.run("performance")
        assert learnt(project) == before


def test_a_bank_that_lost_its_rows_takes_no_outcome_away(project: Project) -> None:
    texts = {n: f"caption number {n}" for n in range(1, 21)}
    messages = [
        {"row_id": n, "message": text, "sending_time": AS_OF - timedelta(days=2 * n)}
        for n, text in texts.items()
    ]
    bank = [{"caption_id": 100 + n, "caption_text": text} for n, text in texts.items()]
    project.write_inputs(mass_messages=messages, caption_bank=bank)
    project.run("performance")
    before = learnt(project)
    assert len(before["message_outcomes"]) == 20
    for left, flags in ((bank[:5], ()), ([], ()), ([], ("--full-refresh",))):
        project.write_inputs(mass_messages=messages, caption_bank=left)
        project.run("performance", *flags)
        assert learnt(project) == before


def test_what_is_not_due_is_left_out_of_the_share_with_and_without_as_of(project: Project) -> None:
    now = datetime.now(timezone.utc)
    messages = [
        {"row_id": n, "caption_id": 1, "sending_time": now + timedelta(days=1 if n % 2 else -2)}
        for n in range(1, 21)
    ]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": 1}])
    for as_of in (None, now):
        result = project.run("performance", as_of=as_of).json
        assert result["status"] == "SUCCESS"
        [counts] = project.query("select * from input_reconciliation where source_name = 'mass_messages'")
        assert (counts["rows_accepted"], counts["rows_rejected"], counts["rows_not_due"]) == (10, 10, 10)
        reasons = project.query("select distinct rejection_reason from rejected_rows")
        assert reasons == [{"rejection_reason": "sending_time is in the future"}]
    project.run("performance", as_of=now + timedelta(days=3))
    assert len(project.table("message_outcomes")) == 20


def test_texts_that_come_into_the_bank_late_are_learnt_from(project: Project) -> None:
    """Whether the bank was broken or only behind: the second run after it goes back for its messages."""
    texts = {n: f"caption number {n}" for n in range(1, 31)}
    messages = [
        {"row_id": n, "message": text, "sending_time": AS_OF - timedelta(days=2 * n)}
        for n, text in texts.items()
    ]
    bank = [{"caption_id": 100 + n, "caption_text": text} for n, text in texts.items()]
    project.write_inputs(mass_messages=messages, caption_bank=bank[:1])
    first = project.run("performance").json
    assert first["learning"] == {"eligible_messages": 30, "matched_messages": 1, "outcomes": 1}
    [check] = project.query("select check_status from health_checks where check_name = 'learnt_share'")
    assert check == {"check_status": "FAIL"}
    project.write_inputs(mass_messages=messages, caption_bank=bank)
    assert project.run("performance").json["learning"]["matched_messages"] == 30
    last = project.run("performance").json
    assert last["learning"] == {"eligible_messages": 30, "matched_messages": 30, "outcomes": 30}
    shown = project.eros("run", "performance", "--as-of", AS_OF.isoformat()).stdout
    assert "30 outcomes of 30 messages, 30 matched to a caption" in " ".join(shown.split())


def test_a_full_refresh_says_what_it_kept(project: Project) -> None:
    messages = [
        {"row_id": n, "caption_id": 1, "sending_time": AS_OF - timedelta(days=n)} for n in range(1, 41)
    ]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": 1}])
    project.run("performance")
    project.write_inputs(mass_messages=messages[:10], caption_bank=[{"caption_id": 1}])
    result = project.run("performance", "--full-refresh").json
    assert result["messages_kept"] == 30
    assert result["learning"]["eligible_messages"] == 40
    shown = project.eros("run", "performance", "--as-of", AS_OF.isoformat()).stdout
    assert "30 messages known from before" in " ".join(shown.split())


def check(project: Project, name: str) -> Row:
    [row] = project.query("select * from health_checks where check_name = ?", [name])
    return row


def test_changes_of_older_dates_are_found_by_the_daily_run_and_taken_in_by_its_advice(
    project: Project,
) -> None:
    now = clock.now()  # health looks at the dates around it
    messages = [{"row_id": n, "caption_id": n, "sending_time": now - timedelta(days=n)} for n in range(2, 41)]
    bank = [{"caption_id": n} for n in range(1, 41)]
    project.write_inputs(mass_messages=messages, caption_bank=bank)
    project.run("performance", as_of=now)
    project.run("daily", as_of=now, code=None)
    assert check(project, "older_messages")["check_status"] == "PASS"
    late = {"row_id": 99, "caption_id": 1, "sending_time": now - timedelta(days=25)}
    changed = [{**row, "earnings": 200.0} if row["row_id"] == 20 else row for row in messages]
    project.write_inputs(mass_messages=[*changed, late], caption_bank=bank)
    project.run("performance", as_of=now)
    assert check(project, "older_messages")["figure"] == 0  # looked at once a day
    project.run("daily", as_of=now, code=None)
    found = check(project, "older_messages")
    assert (found["check_status"], found["figure"]) == ("WARN", 2)
    since = local_date(late["sending_time"]).isoformat()
    assert f"eros run performance --since {since}" in found["next_step"]
    project.run("performance", as_of=now)
    assert check(project, "older_messages")["figure"] == 2
    project.run("performance", "--since", since, as_of=now)
    assert check(project, "older_messages")["figure"] == 0
    assert len(project.table("message_outcomes")) == 40
    assert project.query("select earnings from message_outcomes where row_id = 20") == [{"earnings": 200.0}]


def test_an_input_that_rolls_on_changes_nothing(project: Project) -> None:
    now = clock.now()
    messages = [{"row_id": n, "caption_id": n, "sending_time": now - timedelta(days=n)} for n in range(2, 41)]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": 1}])
    project.run("performance", as_of=now)
    project.write_inputs(mass_messages=messages[:15], caption_bank=[{"caption_id": 1}])
    assert project.run("performance", as_of=now).json["warnings"] == []
    project.run("daily", as_of=now, code=None)
    assert check(project, "older_messages")["figure"] == 0


def test_the_same_message_twice_is_a_warning(project: Project) -> None:
    now = clock.now()
    row = {"message": "hello", "sending_time": now - timedelta(days=30)}
    twins = [{**row, "row_id": 1}, {**row, "row_id": 2}, {**row, "row_id": 3, "page_name": "nova"}]
    project.write_inputs(mass_messages=twins, caption_bank=[{"caption_text": "hello"}])
    project.run("performance", as_of=now)
    found = check(project, "twin_messages")
    assert (found["check_status"], found["figure"]) == ("WARN", 1)
