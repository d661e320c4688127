"""What must hold whatever the history and however the runs fall: real dbt, real DuckDB files."""

import itertools
import os
from collections import Counter
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from tests.python import histories, oracle
from tests.python.harness import AS_OF, Project

pytestmark = pytest.mark.slow

# Who ran when is told truly by every run, so these differ between runs that did the same.
RUN_LOGS = (
    "etl_job_runs", "automation_alerts", "creator_processing_errors", "project_state", "run_findings",
    "learning_log",
)  # fmt: skip
# Views of the present: two looks differ, whatever ran.
LIVE = (
    "health_run_figures", "health_input_figures", "health_state_figures", "health_checks", "alert_queue",
)  # fmt: skip
# What stood in the plan when the newest run that did something began.
BEFORE_THE_RUN = ("pending_messages",)
OF_THE_RUN = {
    "lock_sweep_log": ("sweep_id", "sweep_duration_seconds"),
    "input_reconciliation": ("rows_judged", "rows_unusable"),  # of the dates that the newest run evaluated
}


def everything(project: Project) -> dict[str, list[dict[str, Any]]]:
    """Every table and view with its rows, but for what only says which run it was."""
    names = [
        row["table_name"]
        for row in project.query(
            "select table_name from information_schema.tables"
            " where table_schema = 'eros_scheduling_brain' order by 1"
        )
    ]
    assert (
        "schedule_recommendations" in names
        or "caption_lock_summary" in names
        or "caption_bandit_stats" in names
    )
    leftovers = [name for name in names if "__dbt" in name]
    assert not leftovers
    return {
        name: project.table(name, without=OF_THE_RUN.get(name, ()))
        for name in names
        if name not in (*RUN_LOGS, *LIVE, *BEFORE_THE_RUN)
    }


def assert_same_tables(actual: dict[str, list], expected: dict[str, list]) -> None:
    assert list(actual) == list(expected)
    for name, rows in expected.items():
        assert actual[name] == rows, f"{name} differs"


def learnt(project: Project) -> dict[str, list]:
    return {
        "message_outcomes": project.table("message_outcomes"),
        "caption_bandit_stats": project.table("caption_bandit_stats", without=["last_updated"]),
        "belief_variances": project.table("belief_variances"),
    }


# ---- the same again ----


def test_running_again_at_the_same_as_of_changes_nothing(built: Project) -> None:
    built.run("sweep")
    before = everything(built)
    assert before["schedule_recommendations_messages"]
    for schedule in ("performance", "daily", "sweep", "daily"):
        built.run(schedule)
    assert_same_tables(everything(built), before)
    assert {row["job_status"] for row in built.table("etl_job_runs")} == {"SUCCESS"}


def test_a_later_run_of_the_same_day_publishes_nothing_new(built: Project) -> None:
    tables = ("schedule_recommendations", "schedule_recommendations_messages", "active_caption_assignments")
    before = {name: built.table(name) for name in tables}
    later = AS_OF + timedelta(hours=9)
    built.run("performance", as_of=later)
    built.run("daily", as_of=later)
    assert {name: built.table(name) for name in tables} == before


def test_plain_dbt_build_is_the_same_as_the_schedules(built: Project) -> None:
    before = everything(built)
    built.dbt("build", "--exclude-resource-type", "unit_test", env={"EROS_AS_OF": AS_OF.isoformat()})
    assert_same_tables(everything(built), before)


# ---- random histories, run after run ----


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_incremental_equals_full_refresh(project: Project, seed: int) -> None:
    """Late rows, corrections, an outage of twelve days, any order of rows: the result is the same."""
    history = histories.make_history(seed, pages=4, captions=80, messages=500, bad_share=0.02)
    for days_before in (21, 20, 8, 4, 1, 0):
        moment = history.as_of - timedelta(days=days_before)
        project.write_inputs(history.at(moment))
        project.run("performance", as_of=moment, code=None)
    project.run("performance", as_of=history.as_of, code=None)
    incremental = learnt(project)
    assert incremental["caption_bandit_stats"]
    truth = oracle.Oracle(history.tables, history.as_of)
    counted = sum(row["total_observations"] for row in incremental["caption_bandit_stats"])
    assert counted == len(truth.window)

    project.write_inputs(history.shuffled(seed))
    project.run("performance", "--full-refresh", as_of=history.as_of, code=None)
    assert learnt(project) == incremental


def test_a_correction_behind_the_look_back_waits_for_a_backfill(project: Project) -> None:
    sent = AS_OF - timedelta(days=20)
    recent = [{"row_id": n, "caption_id": 1, "sending_time": AS_OF - timedelta(days=n)} for n in range(2, 7)]
    bank = [{"caption_id": 1}]
    old = {"row_id": 100, "caption_id": 1, "sending_time": sent, "earnings": 10.0}
    project.write_inputs(mass_messages=[*recent, old], caption_bank=bank)
    project.run("performance")

    def revenue() -> float:
        return project.query("select total_revenue from caption_bandit_stats")[0]["total_revenue"]

    before = revenue()
    project.write_inputs(mass_messages=[*recent, {**old, "earnings": 50.0}], caption_bank=bank)
    project.run("performance")
    assert revenue() == before
    project.run("performance", "--since", sent.date().isoformat())
    assert revenue() == before + 40


def test_corrections_are_taken_for_seven_dates(project: Project) -> None:
    """The execution date and the six before it; the messages of today keep the window from reaching back."""
    rows = [
        {"row_id": n, "caption_id": n, "sending_time": AS_OF - timedelta(days=n, hours=1)} for n in range(9)
    ]
    bank = [{"caption_id": n} for n in range(9)]
    project.write_inputs(mass_messages=rows, caption_bank=bank)
    project.run("performance")
    project.write_inputs(mass_messages=[{**row, "earnings": 50.0} for row in rows], caption_bank=bank)
    project.run("performance")
    revenue = project.query(
        "select caption_id, total_revenue from caption_bandit_stats where caption_id in (6, 7)"
    )
    assert {row["caption_id"]: row["total_revenue"] for row in revenue} == {6: 50.0, 7: 99.9}


def test_a_row_deleted_or_made_unusable_stays_known(project: Project) -> None:
    """A truncated export and a spoiled row make the database know no less; the bad row is listed."""
    rows = [
        {"row_id": n, "caption_id": n, "sending_time": AS_OF - timedelta(days=2, hours=n)}
        for n in range(1, 41)
    ]
    bank = [{"caption_id": n} for n in range(1, 41)]
    project.write_inputs(mass_messages=rows, caption_bank=bank)
    project.run("performance")
    before = learnt(project)
    assert len(before["caption_bandit_stats"]) == 40
    spoiled = {**rows[0], "viewed_count": 2000}  # above sent_count
    for messages, flags in (([spoiled, *rows[2:]], ()), (rows[:3], ("--full-refresh",)), ([], ())):
        project.write_inputs(mass_messages=messages, caption_bank=bank)
        project.run("performance", *flags)
        assert learnt(project) == before
        if spoiled in messages:
            [rejected] = project.query("select * from rejected_rows")
            assert (rejected["source_name"], rejected["row_key"]) == ("mass_messages", "1")
            assert rejected["rejection_reason"] == "viewed_count is above sent_count"
            assert '"viewed_count":2000' in rejected["raw_row"]
        [counts] = project.query("select * from input_reconciliation where source_name = 'mass_messages'")
        assert counts["rows_in_source"] == counts["rows_read"] == len(messages)


def test_too_many_rejected_rows_fail_the_run(project: Project) -> None:
    """And above the share nothing is taken, learnt or planned, whatever the command."""
    rows = [{"row_id": n, "caption_id": 1} for n in range(1, 20)]
    bank = [{"caption_id": 1}]
    project.write_inputs(mass_messages=rows, caption_bank=bank)
    project.run("performance")
    project.write_inputs(
        mass_messages=[*rows, {"row_id": 99, "sent_count": -1, "viewed_count": None}], caption_bank=bank
    )
    assert project.run("performance").json["warnings"]  # 1 of 20: exactly 5 %
    before = learnt(project)
    refused = [{**row, "earnings": 500.0} for row in rows]
    refused += [{"row_id": n, "sent_count": -1} for n in (98, 99)]
    project.write_inputs(mass_messages=refused, caption_bank=bank)
    for command in (("performance", "--full-refresh"), ("daily",)):
        assert project.run(*command, code=1).json["status"] == "FAILED"
        assert learnt(project) == before
        check = "select check_status from health_checks where check_name = 'rejected_share'"
        assert project.query(check) == [{"check_status": "FAIL"}]
    for selector in ("performance", "daily"):
        project.dbt("run", "--selector", selector, env={"EROS_AS_OF": AS_OF.isoformat()}, code=None)
        assert learnt(project) == before
    assert project.table("schedule_recommendations") == []
    [stop] = project.query("select * from publication_stops")
    assert stop["stop_name"] == "rejected_share"
    assert stop["reason"].startswith("2 of 21 rows of mass_messages cannot be used")
    project.write_inputs(mass_messages=refused[:-2], caption_bank=[{"caption_id": 1, "caption_text": ""}])
    for flags in ((), ("--full-refresh",)):
        as_of = {"EROS_AS_OF": AS_OF.isoformat()}
        project.dbt("run", "--selector", "performance", *flags, env=as_of, code=None)
        assert learnt(project) == before
    project.write_inputs(mass_messages=refused[:-2], caption_bank=bank)
    project.run("performance")
    assert project.query("select sum(earnings) as total from message_outcomes") == [{"total": 19 * 500.0}]


# ---- weeks of schedules ----


@pytest.mark.parametrize("monday", [date(2025, 3, 3), date(2025, 10, 27)], ids=["spring", "autumn"])
def test_two_weeks_of_schedules(project: Project, monday: date) -> None:
    """Both clock changes: volume adds up, texts rest, gaps hold, local hours are right."""
    days = [monday + timedelta(days=n) for n in range(14)]
    start = datetime(monday.year, monday.month, monday.day, tzinfo=timezone.utc)
    project.make_sample(end=start, pages=5, captions=1500, messages=3000, days=60)
    project.run("performance", as_of=start)
    for day in days:
        at = datetime(day.year, day.month, day.day, 11, 30, tzinfo=timezone.utc)  # 03:30 or 04:30 there
        project.run("daily", as_of=at)
        if day.weekday() == 2:
            project.run("sweep", as_of=at)
    sent = project.query(
        "select r.*, m.caption_text as sent_text from schedule_recommendations as r"
        " inner join schedule_recommendations_messages as m using (schedule_id, time_slot_rank)"
    )
    assert {row["schedule_date"] for row in sent} == set(days)
    check_texts_rest(sent)
    check_hours(sent)
    check_weeks(project, sent)


def check_texts_rest(sent: list[dict]) -> None:
    last: dict[tuple[str, str], date] = {}
    for row in sorted(sent, key=lambda row: row["scheduled_send_time"]):
        key = (row["page_name"], oracle.caption_key_v2(row["sent_text"]))
        if key in last:
            assert (row["schedule_date"] - last[key]).days > 7, key
        last[key] = row["schedule_date"]


def check_hours(sent: list[dict]) -> None:
    gaps = {size.name: float(size.min_gap_hours) for size in oracle.SIZES}
    by_page: dict[str, list[dict]] = {}
    for row in sorted(sent, key=lambda row: row["scheduled_send_time"]):
        local = row["scheduled_send_time"].replace(tzinfo=timezone.utc).astimezone(oracle.LOS_ANGELES)
        assert (local.date(), local.hour, local.minute) == (row["schedule_date"], row["send_hour"], 0)
        assert 8 <= local.hour <= 23
        by_page.setdefault(row["page_name"], []).append(row)
    for rows in by_page.values():
        for earlier, later in itertools.pairwise(rows):
            hours = (later["scheduled_send_time"] - earlier["scheduled_send_time"]).total_seconds() / 3600
            assert hours >= gaps[later["account_size"]]


def check_weeks(project: Project, sent: list[dict]) -> None:
    """Each full week's messages add up to its count times its factors, rounded once."""
    counts = Counter(
        (row["page_name"], row["schedule_date"].isocalendar().week, row["message_type"]) for row in sent
    )
    plans = project.query("select * from creator_daily_volume")  # of the last week, Monday to Sunday
    pages = {row["page_name"] for row in plans}
    assert len(pages) == 5
    for page in pages:
        week = [row for row in plans if row["page_name"] == page]
        assert len(week) == 7
        number = week[0]["schedule_date"].isocalendar().week
        for kind, column in (("PPV", "weekly_ppv"), ("BUMP", "weekly_bump")):
            due = sum(row[column] / 7 * row["saturation_factor"] * row["holiday_factor"] for row in week)
            assert abs(counts[page, number, kind] - due) <= 0.5 + 1e-6, (page, kind)


# ---- creators that cannot be scheduled ----


def break_patterns(project: Project, pages: int) -> None:
    """Give this many active creators a pattern that does not compile, in a newer version of their row."""
    active = [row["page_name"] for row in project.query("select page_name from creator_day_plan order by 1")]
    project.execute("drop view creator_caption_restrictions")
    project.execute(
        "create table creator_caption_restrictions as"
        f" select * from read_parquet('{project.data_dir}/creator_caption_restrictions.parquet')"
    )
    for page in active[:pages]:
        project.execute(
            "insert into creator_caption_restrictions"
            " (page_name, hard_patterns, applies_to_scope, is_active, version,"
            " min_ppv_pool, min_bump_pool) values (?, ['(?i)fine', '(unclosed'], 'ALL', true, 9, 0, 0)",
            [page],
        )


NEXT_DAY = AS_OF + timedelta(days=1)


def test_one_broken_creator_is_left_out_and_the_rest_are_scheduled(built: Project) -> None:
    break_patterns(built, 1)
    result = built.run("daily", as_of=NEXT_DAY).json
    assert result["status"] == "COMPLETED_WITH_ERRORS"
    [error] = built.query("select * from creator_processing_errors")
    assert "(unclosed" in error["error_message"]
    scheduled = {
        row["page_name"]
        for row in built.query(
            "select page_name from schedule_recommendations where schedule_date = '2025-06-16'"
        )
    }
    checks = built.query("select page_name, check_status from creator_checks")
    assert scheduled == {row["page_name"] for row in checks} - {error["page_name"]}
    [alert] = built.query("select * from automation_alerts where job_id is not null")
    assert alert["alert_level"] == "WARNING"


def test_five_broken_creators_stop_the_run_before_anything_is_published(built: Project) -> None:
    before = built.table("schedule_recommendations")
    break_patterns(built, 5)
    result = built.run("daily", as_of=NEXT_DAY, code=3).json
    assert result["status"] == "FAILED"
    assert built.table("schedule_recommendations") == before
    assert len(built.query("select * from creator_processing_errors")) == 5
    [alert] = built.query("select * from automation_alerts where job_id is not null")
    assert (alert["alert_level"], alert["alert_source"]) == ("CRITICAL", "circuit_breaker")
    [last] = built.query("select * from etl_job_runs order by job_start_time desc limit 1")
    assert (last["job_status"], last["creators_failed"]) == ("FAILED", 5)


def test_nobody_active_is_no_work(project: Project) -> None:
    old = [{"row_id": n, "caption_id": 1, "sending_time": AS_OF - timedelta(days=45)} for n in range(1, 4)]
    project.write_inputs(mass_messages=old, caption_bank=[{"caption_id": 1}])
    project.run("performance")
    assert project.run("daily").json["status"] == "COMPLETED_NO_WORK"


# ---- death at any moment ----

# `make soak` has more of them.
POINTS = int(os.environ.get("EROS_KILL_POINTS", "6"))
_undisturbed: dict[str, tuple[dict, float]] = {}


def undisturbed(built: Project, schedule: str) -> tuple[dict, float]:
    """What the next day's run leaves when nothing disturbs it, and the seconds that it takes."""
    if schedule not in _undisturbed:
        calm = built.clone(built.directory.with_name(f"calm_{schedule}"))
        seconds = calm.run(schedule, as_of=NEXT_DAY).seconds
        _undisturbed[schedule] = (everything(calm), seconds)
    return _undisturbed[schedule]


@pytest.mark.parametrize("point", range(POINTS))
@pytest.mark.parametrize("schedule", ["performance", "daily", "sweep"])
def test_a_run_killed_at_any_moment_is_made_good_by_the_next(
    built: Project, schedule: str, point: int
) -> None:
    expected, seconds = undisturbed(built, schedule)
    child = built.start("run", schedule, "--as-of", NEXT_DAY.isoformat())
    child.kill(after=seconds * (point + 0.5) / POINTS)
    child.wait()
    built.run(schedule, as_of=NEXT_DAY)
    assert_same_tables(everything(built), expected)
    jobs = built.query("select job_status, error_message from etl_job_runs order by job_start_time")
    assert jobs[-1]["job_status"] == "SUCCESS"
    assert all(job["job_status"] in ("SUCCESS", "FAILED") for job in jobs)
    assert all(job["error_message"] for job in jobs if job["job_status"] == "FAILED")
