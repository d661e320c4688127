"""The monitoring queries in analyses/: each runs on what the runs left, and shows what it is for."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

import pytest

from tests.python.harness import ROOT, Project

pytestmark = pytest.mark.slow

NAMES = sorted(file.stem for file in (ROOT / "analyses").glob("*.sql"))


@pytest.fixture
def show(built: Project):
    """A function that gives the rows of an analysis."""
    built.dbt("compile", "--select", "path:analyses", "--log-level", "none")

    def rows(name: str) -> list[dict]:
        [file] = built.directory.glob(f"target/compiled/*/analyses/{name}.sql")
        return built.query(file.read_text())

    return rows


def test_each_says_who_it_is_for_and_how_to_run_it() -> None:
    for name in NAMES:
        head = (ROOT / "analyses" / f"{name}.sql").read_text().split("-#}")[0]
        assert re.match(r"\{#- For who", head), name
        assert f"dbt show --select {name}" in head, name


def test_each_shows_what_it_is_for(built: Project, show) -> None:
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    built.eros("export", "--format", "json", "--output", "day.json")
    built.eros("export", "--format", "json", "--output", "day.json", code=2)
    built.execute(
        "insert into etl_job_runs (job_id, job_name, job_start_time, job_status, error_message)"
        " values ('a', 'sweep', ?, 'FAILED', 'why'), ('b', 'sweep', ?, 'FAILED', 'long ago')",
        [now, now - timedelta(days=8)],
    )
    jobs = {row["job_name"]: row for row in show("job_runs")}
    assert (jobs["daily"]["succeeded"], jobs["sweep"]["failed"], jobs["sweep"]["runs"]) == (1, 1, 1)
    assert jobs["sweep"]["an_error"] == "why"

    [alert] = show("unacknowledged_alerts")
    assert alert["alert_source"] == "input_rows"

    exports = {row["status"]: row for row in show("exports_last_7_days")}
    published = built.query("select count(*) as n from schedule_recommendations_messages")[0]["n"]
    assert exports["SUCCESS"]["messages"] == published
    assert (exports["FAILED"]["messages"], exports["FAILED"]["an_error"]) == (
        0,
        "day.json is there already; --force replaces it.",
    )

    locks = show("locks_per_creator")
    assert sum(row["active_locks"] for row in locks) == published
    assert {str(row["scheduled_send_date"]) for row in locks} == {"2025-06-15"}

    quarters = show("captions_by_percentile")
    pairs = built.query("select count(*) as n, sum(total_observations) as m from caption_bandit_stats")[0]
    assert (sum(row["captions"] for row in quarters), sum(row["messages"] for row in quarters)) == (
        pairs["n"],
        pairs["m"],
    )
    assert {row["quarter_rank"] for row in quarters} == {1, 2, 3, 4}


def test_unmatched_messages_have_their_text(built: Project, show) -> None:
    """Of the last 37 days only, so that the sample's messages are brought up to date."""
    assert show("unmatched_messages") == []
    built.execute("update mass_messages_checked set sending_date = current_date - 1")
    found = show("unmatched_messages")
    wanted = built.query(
        "select messages.caption_key, count(*) as n from stg_mass_messages as messages"
        " where caption_id is null and caption_key is not null and caption_key not in"
        " (select caption_key from stg_caption_bank where caption_key is not null) group by 1"
    )
    assert len(wanted) > 0
    assert {row["caption_key"]: row["messages"] for row in found} == {
        row["caption_key"]: row["n"] for row in wanted
    }
    keys = built.query("select caption_key_v2(?) as key", [found[0]["message"]])
    assert keys == [{"key": found[0]["caption_key"]}]


def test_none_is_left_out() -> None:
    tested = (ROOT / "tests/python/test_analyses.py").read_text()
    assert [name for name in NAMES if f'show("{name}")' not in tested] == []
