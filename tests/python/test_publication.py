"""What is published, whatever command asks for it: real dbt, a real DuckDB file."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tests.python.harness import AS_OF, Project
from tests.python.test_invariants import NEXT_DAY, break_patterns

pytestmark = pytest.mark.slow

# The plan from the creators to the messages, each after what it reads.
PLAN = (
    "page_daily_activity", "creator_daily_volume", "creator_day_plan", "caption_lock_summary",
    "creator_caption_restrictions_checked", "stg_restriction_rows", "restricted_pages",
    "stg_creator_caption_restrictions", "schedulable_captions", "restriction_patterns",
    "restriction_matches", "recent_caption_usage", "page_caption_groups", "caption_exclusions",
    "page_tier_pools", "caption_candidates", "send_hour_patterns", "creator_send_hours", "creator_checks",
    "caption_scores",
    "publication_stops", "selected_captions", "schedule_recommendations",
    "schedule_recommendations_messages",
)  # fmt: skip
PUBLISHED = ("schedule_recommendations", "schedule_recommendations_messages", "active_caption_assignments")


def at(moment: datetime) -> dict[str, str]:
    """The environment of a plain dbt that runs as of a moment."""
    return {"EROS_AS_OF": moment.isoformat()}


def published(project: Project) -> list[list[dict]]:
    """What people would send and what is kept for it; a sweep of what has passed changes neither."""
    swept = ("is_active", "deactivated_at", "deactivation_reason")
    return [project.table(name, without=swept if "assign" in name else ()) for name in PUBLISHED]


def last_runs(project: Project, count: int) -> list[dict]:
    return project.query(
        "select job_status, error_message, job_name from etl_job_runs"
        f" order by job_start_time desc limit {count}"
    )


# ---- the circuit breaker ----


@pytest.mark.parametrize(
    ("command", "env"),
    [
        ("run --selector daily", {}),
        ("build --selector daily", {}),
        ("build --selector daily", {"DBT_EXCLUDE_RESOURCE_TYPES": "test"}),
        ("build --selector daily", {"DBT_ENGINE_EXCLUDE_RESOURCE_TYPES": "test"}),
        ("build --selector daily --exclude test_type:data", {}),
        ("run", {}),
    ],
)
def test_an_open_breaker_publishes_nothing(built: Project, command: str, env: dict[str, str]) -> None:
    before = published(built)
    break_patterns(built, 5)
    result = built.dbt(*command.split(), env={**at(NEXT_DAY), **env}, code=None)
    assert result.code != 0, str(result)
    assert published(built) == before
    [run] = last_runs(built, 1)
    assert run["job_status"] == "FAILED"
    assert "5 creators cannot be scheduled" in run["error_message"]
    assert "(unclosed does not compile" in run["error_message"]
    [alert] = built.query("select * from automation_alerts where job_id is not null")
    assert (alert["alert_level"], alert["alert_source"]) == ("CRITICAL", "circuit_breaker")
    break_patterns_mended(built)
    built.run("daily", as_of=NEXT_DAY)
    assert published(built)[0] != before[0]


def break_patterns_mended(project: Project) -> None:
    project.execute("update creator_caption_restrictions set is_active = false")


def test_an_open_breaker_publishes_nothing_node_by_node(built: Project) -> None:
    before = published(built)
    break_patterns(built, 5)
    codes = {}
    for name in PLAN:
        codes[name] = built.dbt("run", "--select", name, env=at(NEXT_DAY), code=None).code
    assert published(built) == before
    runs = last_runs(built, len(PLAN))
    assert not [run for run in runs if run["job_status"] == "COMPLETED_WITH_ERRORS"]
    assert runs[0]["job_status"] == "FAILED"
    failed = [name for name, code in codes.items() if code]
    assert failed == [
        "creator_checks", "publication_stops", "schedule_recommendations",
        "schedule_recommendations_messages",
    ]  # fmt: skip
    alerts = built.query("select distinct alert_level, alert_source from automation_alerts")
    assert {"alert_level": "CRITICAL", "alert_source": "circuit_breaker"} in alerts


def test_four_broken_creators_are_left_out_node_by_node(built: Project) -> None:
    break_patterns(built, 4)
    for name in PLAN:
        built.dbt("run", "--select", name, env=at(NEXT_DAY))
    day = "select distinct page_name from schedule_recommendations where schedule_date = ?"
    assert len(built.query(day, [NEXT_DAY.date()])) == 2


# ---- dates agree ----


@pytest.mark.parametrize(
    "command",
    [
        "run --select schedule_recommendations+",
        "run --select selected_captions+",
        "run --select creator_day_plan+",
        "run --select caption_candidates schedule_recommendations",
        "build --select creator_send_hours schedule_recommendations schedule_recommendations_messages",
    ],
)
def test_the_plan_of_yesterday_is_not_published_today(built: Project, command: str) -> None:
    before = published(built)
    result = built.dbt(*command.split(), env=at(NEXT_DAY), code=None)
    assert result.code != 0
    assert "Run `eros run daily`" in result.stdout or "run `eros run daily`" in result.stdout, str(result)
    assert published(built) == before
    report = built.run("daily", as_of=NEXT_DAY).json
    assert report["status"] == "SUCCESS"
    days = built.query("select schedule_id, schedule_date from schedule_recommendations")
    assert all(row["schedule_id"].endswith(f"_{row['schedule_date']:%Y%m%d}") for row in days)
    assert {row["schedule_date"] for row in days} == {AS_OF.date(), NEXT_DAY.date()}


def test_a_retry_on_the_next_day_does_not_go_on_with_yesterdays_plan(built: Project) -> None:
    """The day after AS_OF fails just before it publishes; somebody retries it when that day is over."""
    built.edit("models/scheduling/schedule_recommendations.sql", "select * from final", "select * from finl")
    built.dbt("build", "--selector", "daily", env=at(NEXT_DAY), code=1)
    built.edit("models/scheduling/schedule_recommendations.sql", "select * from finl", "select * from final")
    before = published(built)
    late = at(NEXT_DAY + timedelta(days=1))
    result = built.dbt("retry", env=late, code=None)
    assert result.code != 0
    assert "run `eros run daily`" in result.stdout
    assert published(built) == before
    assert built.run("daily", as_of=NEXT_DAY + timedelta(days=1)).json["status"] == "SUCCESS"


def test_a_retry_on_the_same_day_publishes_that_day(built: Project) -> None:
    built.edit("models/scheduling/schedule_recommendations.sql", "select * from final", "select * from finl")
    built.dbt("build", "--selector", "daily", env=at(NEXT_DAY), code=1)
    built.edit("models/scheduling/schedule_recommendations.sql", "select * from finl", "select * from final")
    built.dbt("retry", env=at(NEXT_DAY))
    days = built.query("select distinct schedule_date from schedule_recommendations order by 1")
    assert [row["schedule_date"] for row in days] == [AS_OF.date(), NEXT_DAY.date()]


def test_what_an_earlier_run_left_of_another_day_is_told_though_nothing_noted_it(built: Project) -> None:
    """The guard in the data: as where the plan was changed by hand, or restored from a backup."""
    before = published(built)
    built.execute("update creator_day_plan set schedule_date = schedule_date - 1")
    result = built.dbt("run", "--select", "schedule_recommendations+", env=at(AS_OF), code=None)
    assert result.code != 0
    assert "creator_day_plan is of 2025-06-14, this run is for 2025-06-15" in result.stdout
    assert published(built) == before
    assert last_runs(built, 1)[0]["job_status"] == "FAILED"


# ---- no hour that has passed ----


def local(hour: int, minute: int = 0, day: date = date(2025, 6, 16)) -> datetime:
    """A moment of a summer day in Los Angeles."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=timezone(timedelta(hours=-7)))


@pytest.mark.parametrize(("hour", "minute"), [(3, 5), (8, 0), (14, 20), (21, 59), (22, 30)])
def test_nothing_goes_out_before_it_was_planned(built: Project, hour: int, minute: int) -> None:
    moment = local(hour, minute)
    built.run("daily", as_of=moment)
    rows = built.query(
        "select * from schedule_recommendations where schedule_date = ? order by page_name, send_hour",
        [moment.date()],
    )
    assert rows
    late = moment.astimezone(timezone.utc).replace(tzinfo=None)
    assert all(row["scheduled_send_time"] > late for row in rows)
    wanted = built.query("select page_name, ppv_count + bump_count as n, min_gap_hours from creator_day_plan")
    for plan in wanted:
        hours = [row["send_hour"] for row in rows if row["page_name"] == plan["page_name"]]
        gap = -(-plan["min_gap_hours"] // 1)
        assert all(later - earlier >= gap for earlier, later in itertools.pairwise(hours))
        room = (23 - max(8, hour + 1)) // gap + 1
        assert len(hours) == min(plan["n"], room)
        chosen = built.query(
            "select caption_id from selected_captions where page_name = ? order by selection_rank",
            [plan["page_name"]],
        )
        best = {row["caption_id"] for row in chosen[: len(hours)]}
        assert {row["caption_id"] for row in rows if row["page_name"] == plan["page_name"]} == best


def test_after_the_last_hour_there_is_no_work_and_that_is_no_failure(built: Project) -> None:
    report = built.run("daily", as_of=local(23, 30)).json
    assert report["status"] == "COMPLETED_NO_WORK"
    shown = built.eros("run", "daily", "--as-of", local(23, 30).isoformat()).stdout
    assert "6 passed their check, 0 failed it" in shown
    assert report["messages_scheduled"] == 0
    [run] = last_runs(built, 1)
    assert "no hour" in run["error_message"]
    assert not built.query("select * from automation_alerts where job_id is not null")


def test_the_same_day_again_in_the_evening_publishes_nothing_new(built: Project) -> None:
    before = published(built)
    report = built.run("daily", as_of=local(22, 30, date(2025, 6, 15))).json
    assert (report["status"], report["messages_scheduled"]) == ("SUCCESS", len(before[1]))
    assert report["messages_left_out"] == []
    assert published(built) == before
    assert built.run("daily", as_of=local(23, 30, date(2025, 6, 15))).json["status"] == "SUCCESS"


# ---- a run for another day ----


def test_a_plan_made_in_advance_leaves_todays_locks_alone(built: Project) -> None:
    """Real time: today's locks stand, whatever day is planned in advance, and none ends in the future."""
    now = datetime.now(timezone.utc)
    built.make_sample(end=now)
    built.run("performance", as_of=None)
    built.run("daily", as_of=None)
    locks = "select * from active_caption_assignments where scheduled_send_date >= ? order by all"
    today = now - timedelta(days=1)
    before = built.query(locks, [today.date()])
    ahead = (now + timedelta(days=7)).date()
    built.run("daily", "--execution-date", ahead.isoformat(), as_of=None)
    after = [row for row in built.query(locks, [today.date()]) if row["scheduled_send_date"] != ahead]
    assert after == before
    [found] = built.query("select count(*) as n from active_caption_assignments where deactivated_at > now()")
    assert found["n"] == 0
    built.run("daily", "--execution-date", (now - timedelta(days=3)).date().isoformat(), as_of=None)
    past = (now - timedelta(days=2)).date()
    after = [row for row in built.query(locks, [past]) if row["scheduled_send_date"] != ahead]
    assert after == [row for row in before if row["scheduled_send_date"] >= past]


def planned_as_of(project: Project, day: date, env: dict[str, str]) -> datetime:
    """The moment that `eros run daily --execution-date` would take for a date."""
    plan = project.eros(
        "run", "daily", "--execution-date", day.isoformat(), "--dry-run", "--json", env=env
    ).json
    return datetime.fromisoformat(plan["as_of"].replace("Z", "+00:00"))


def test_an_execution_date_is_not_planned_as_of_a_moment_that_has_passed(built: Project) -> None:
    """Today: now, or its usual time where that is to come. Any other day: its usual time."""
    evening, night = local(22, 30), local(1, 0)
    today, usual = local(0).date(), local(3, 5)
    assert planned_as_of(built, today, at(evening)) == evening
    assert planned_as_of(built, today, at(night)) == usual
    for days in (-1, 1):
        other = timedelta(days=days)
        assert planned_as_of(built, today + other, at(evening)) == usual + other
    before = datetime.now(timezone.utc)
    zone = ZoneInfo("America/Los_Angeles")
    real = planned_as_of(built, before.astimezone(zone).date(), {})
    assert real >= min(before, datetime.now(timezone.utc))


# ---- what people are told ----


def test_the_card_of_a_stopped_run_schedules_nobody(built: Project) -> None:
    break_patterns(built, 5)
    card = built.eros("run", "daily", "--as-of", NEXT_DAY.isoformat(), code=3).stdout
    assert "scheduled," not in card
    assert "1 passed their check, 5 failed it" in card
    assert card.count("(unclosed does not compile") >= 5
    assert "Got " not in card
    run_id = built.eros("runs", "--json").json[0]["job_id"]
    story = built.eros("runs", "show", run_id)
    assert "Got " not in story.stdout
    assert "(unclosed does not compile" in story.stdout


def test_the_plan_says_how_many_messages_were_left_out(built: Project) -> None:
    report = built.run("daily", as_of=local(22, 30)).json
    planned = built.query("select cast(sum(ppv_count + bump_count) as bigint) as n from creator_day_plan")
    [left_out] = report["messages_left_out"]
    assert left_out["reason"] == "too few hours are left: the day was planned at 22:30"
    assert left_out["messages"] + report["messages_scheduled"] == planned[0]["n"]
    plan = built.eros("schedule").stdout
    assert plan.count("too few hours are left") == left_out["pages"]


def test_rejected_rows_are_told_with_reason_number_and_example(project: Project) -> None:
    messages = [{"caption_id": 1} for _ in range(60)]
    messages += [{"caption_id": 1, "viewed_count": 2000} for _ in range(7)]
    messages += [{"caption_id": 1, "page_name": None} for _ in range(3)]
    project.write_inputs(mass_messages=messages, caption_bank=[{"caption_id": 1}])
    result = project.eros("run", "performance", "--as-of", AS_OF.isoformat(), code=1)
    assert "10 of 70 rows of mass_messages cannot be used" in result.stdout
    assert "mostly: viewed_count is above sent_count (7 rows" in result.stdout
    assert "7 rows of mass_messages: viewed_count is above sent_count, for example 61" in result.stdout
    assert "Got " not in result.stdout
    [run] = last_runs(project, 1)
    assert "10 of 70 rows of mass_messages cannot be used" in run["error_message"]
    found = project.eros("rejected", "--json").json
    assert [(row["row_count"], row["rejection_reason"], row["example_row_key"]) for row in found] == [
        (7, "viewed_count is above sent_count", "61"),
        (3, "page_name is missing", "68"),
        (60, "too many rows of this reading cannot be used, so none was taken", "1"),
    ]
    assert '"viewed_count"' in found[0]["example_row"]
    assert project.eros("rejected", "--table", "captions").stdout == "Every row of captions can be used.\n"
    assert "2 more reasons" in project.eros("rejected", "--limit", "1").stdout
    shown = project.eros("rejected", env={"COLUMNS": "80"}).stdout
    assert "page_name is missing" in shown
