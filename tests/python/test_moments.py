"""Whatever moments runs were for, and whatever the input had lost: the last run decides, and nothing is forgotten.

Real dbt and real DuckDB files. The last moment's run alone, over all the messages there are, is what every
sequence of runs has to end in.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from tests.python import histories
from tests.python.harness import AS_OF, Project, Row

pytestmark = pytest.mark.slow

LEARNT = {
    "message_outcomes": (),
    "caption_bandit_stats": ("last_updated",),
    "belief_variances": (),
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
    # With half of the rows gone, the few bad ones are many.
    project.edit("dbt_project.yml", "max_rejected_share: 0.05", "max_rejected_share: 0.9")
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
        project.run(*command.split(), as_of=moment)
    for table, rows in learnt(project).items():
        assert rows == expected[table], f"{table} after {[(name, str(day)) for name, day, _ in steps]}"


def test_a_killed_run_at_a_past_moment_is_made_good(project: Project) -> None:
    """Between the change and the note of it: the next run begins early enough all the same."""
    messages = [
        {"row_id": n, "caption_id": n, "sending_time": AS_OF - timedelta(days=n, hours=6)}
        for n in range(1, 60)
    ]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": n} for n in range(1, 60)])
    project.run("performance")
    before = learnt(project)
    project.run("performance", as_of=AS_OF - timedelta(days=40))
    assert len(project.table("message_outcomes")) < 30
    # As a run at that moment leaves it on BigQuery that dies before its last note.
    project.execute("update project_state set job_id = 'killed' where job_id != 'killed'")
    last = "(select max(noted_at) from project_state where fact = 'message_outcomes_built_for')"
    project.execute(f"delete from project_state where fact = 'messages_changed_from' and noted_at > {last}")
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
