"""What the hooks do to the locks and to the messages, row by row: real dbt, a real DuckDB file."""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta

import pytest

from tests.python.harness import AS_OF, Project

pytestmark = pytest.mark.slow

TODAY = date(2025, 6, 15)  # AS_OF's date in Los Angeles
NOW = AS_OF.replace(tzinfo=None)  # as the tables hold it


def lock(
    project: Project, key: str, day: date, reason: str | None = None, ended: datetime | None = None
) -> None:
    """Add a lock for a day, active unless a reason is given."""
    project.execute(
        "insert into active_caption_assignments (page_name, caption_id, assignment_key, scheduled_send_date,"
        " is_active, deactivation_reason, deactivated_at) values ('luna', 1, ?, ?, ?, ?, ?)",
        [key, day, reason is None, reason, ended],
    )


@pytest.fixture
def swept(project: Project) -> Project:
    """A project whose tables are there, after a sweep an hour before AS_OF that found nothing."""
    project.run("sweep", as_of=AS_OF - timedelta(hours=1))
    return project


def test_the_sweep_releases_what_has_passed_and_says_why(swept: Project) -> None:
    earlier = NOW - timedelta(days=1)
    for days, key in ((-8, "8 days"), (-7, "7 days"), (-1, "yesterday"), (0, "today"), (3, "ahead")):
        lock(swept, key, TODAY + timedelta(days=days))
    lock(swept, "swept before", TODAY - timedelta(days=9), "PAST_SEND_DATE", earlier)
    lock(swept, "cancelled just now", TODAY - timedelta(days=2), "CANCELLED", NOW)
    for _ in range(2):  # the second sweep of the same moment finds nothing and logs nothing
        swept.run("sweep")
    found = {
        row["assignment_key"]: (row["is_active"], row["deactivation_reason"], row["deactivated_at"])
        for row in swept.table("active_caption_assignments")
    }
    assert found == {
        "8 days": (False, "STALE_7DAY", NOW),
        "7 days": (False, "PAST_SEND_DATE", NOW),
        "yesterday": (False, "PAST_SEND_DATE", NOW),
        "today": (True, None, None),
        "ahead": (True, None, None),
        "swept before": (False, "PAST_SEND_DATE", earlier),
        "cancelled just now": (False, "CANCELLED", NOW),
    }
    counts = "locks_expired_stale, locks_expired_past_date, total_locks_cleaned"
    log = swept.query(f"select {counts} from lock_sweep_log order by sweep_time")
    assert [tuple(row.values()) for row in log] == [(0, 0, 0), (1, 2, 3)]


@pytest.mark.parametrize(
    ("passed", "ahead", "alerts"),
    [
        (1000, 5000, {}),
        (1001, 5001, {"lock_sweep": "WARNING", "active_locks": "WARNING"}),
        (0, 9999, {"active_locks": "WARNING"}),
        (0, 10000, {"active_locks": "CRITICAL"}),
    ],
)
def test_too_many_locks_are_told(swept: Project, passed: int, ahead: int, alerts: dict[str, str]) -> None:
    """More than 1,000 released at once; more than 5,000 left active, and from 10,000 on."""
    for day, count in ((TODAY - timedelta(days=1), passed), (TODAY, ahead)):
        swept.execute(
            "insert into active_caption_assignments"
            " (page_name, caption_id, assignment_key, scheduled_send_date, is_active)"
            " select 'page ' || n % 7, n, ? || n, ?, true from range(?) as numbers(n)",
            [f"{day} ", day, count],
        )
    swept.run("sweep")
    found = swept.query("select alert_source, alert_level, alert_message from automation_alerts")
    assert {row["alert_source"]: row["alert_level"] for row in found} == alerts
    numbers = {"lock_sweep": passed, "active_locks": ahead}
    assert all(str(numbers[row["alert_source"]]) in row["alert_message"] for row in found)


def test_every_published_message_is_locked_under_its_key(built: Project) -> None:
    expected = {
        hashlib.sha256(
            f"{row['page_name']}|{row['caption_id']}|{row['schedule_date']}|{row['send_hour']}".encode()
        ).hexdigest(): {
            "page_name": row["page_name"], "caption_id": row["caption_id"],
            "caption_text": row["caption_text"], "price_tier": row["price_tier"],
            "schedule_id": row["schedule_id"], "assigned_at": NOW, "assigned_date": TODAY,
            "scheduled_send_date": TODAY, "scheduled_send_hour": row["send_hour"],
            "is_active": True, "deactivated_at": None, "deactivation_reason": None,
        }
        for row in built.table("schedule_recommendations")
    }  # fmt: skip
    locks = {row.pop("assignment_key"): row for row in built.table("active_caption_assignments")}
    assert locks == expected
    assert locks


def test_a_recommendation_that_a_person_deactivates_has_neither_message_nor_lock(built: Project) -> None:
    """One slot of one page goes; all else stands, and a lock that was lost is put back."""
    messages = "select schedule_id, time_slot_rank from schedule_recommendations_messages order by all"
    slots = built.query(messages)
    gone, kept = slots[0], slots[1]
    assert gone["schedule_id"] == kept["schedule_id"], "the sample's first page sends twice"
    locks = "select * exclude (deactivated_at) from active_caption_assignments order by assignment_key"
    before = built.query(locks)
    one_slot = "where schedule_id = ? and time_slot_rank = ?"
    of_gone, of_kept = list(gone.values()), list(kept.values())
    built.execute(f"update schedule_recommendations set is_active = false {one_slot}", of_gone)
    for slot in (of_gone, of_kept):
        built.execute(
            "delete from active_caption_assignments where (schedule_id, caption_id) in"
            f" (select (schedule_id, caption_id) from schedule_recommendations {one_slot})",
            slot,
        )
    built.run("daily", as_of=AS_OF + timedelta(hours=1))
    assert built.query(messages) == [slot for slot in slots if slot != gone]
    [deactivated] = built.query(f"select caption_id from schedule_recommendations {one_slot}", of_gone)
    assert built.query(locks) == [
        row for row in before
        if (row["schedule_id"], row["caption_id"]) != (gone["schedule_id"], deactivated["caption_id"])
    ]  # fmt: skip
