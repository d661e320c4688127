"""The procedures of the set-up before this one, called by `dbt run-operation` under their names."""

from __future__ import annotations

import re
from datetime import date, timedelta

import duckdb
import pytest

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import AS_OF, Project, Result

TODAY = date(2025, 6, 15)  # AS_OF's date in Los Angeles
# After the sweep of the daily run: two sweeps of one moment are one.
LATER = AS_OF + timedelta(minutes=1)
NOW = {"EROS_AS_OF": LATER.isoformat()}


def call(project: Project, procedure: str, arguments: str = "{}", code: int = 0) -> Result:
    return project.dbt("run-operation", procedure, "--args", arguments, env=NOW, code=code)


def why(result: Result) -> str:
    """The sentence that a failed operation says."""
    return result.stdout.split("Compilation Error in macro")[1].split("\n")[1].strip()


@pytest.mark.parametrize(
    ("procedure", "schedule"),
    [("update_caption_performance", "performance"), ("run_daily_automation", "daily")],
)
def test_what_is_a_graph_now_says_what_does_it(project: Project, procedure: str, schedule: str) -> None:
    sentence = why(call(project, procedure, "{target_date: 2025-06-15, dry_run: true}", code=1))
    assert f"`dbt build --selector {schedule}` or `eros run {schedule}`" in sentence
    assert "nothing was done" in sentence


def test_the_sweep_leaves_what_a_run_of_it_leaves(built: Project) -> None:
    for days in (-8, -1, 0):
        built.execute(
            "insert into active_caption_assignments (page_name, caption_id, assignment_key,"
            " scheduled_send_date, is_active) values ('luna', 1, ?, ?, true)",
            [str(days), TODAY + timedelta(days=days)],
        )
    before = {name: built.table(name) for name in ("etl_job_runs", "lock_sweep_log")}
    assert "2 locks released" in call(built, "sweep_expired_caption_locks").stdout
    moment = LATER.replace(tzinfo=None)
    swept = built.query(
        "select assignment_key, deactivation_reason, deactivated_at from active_caption_assignments"
        " where page_name = 'luna' and not is_active order by all"
    )
    assert [tuple(row.values()) for row in swept] == [
        ("-1", "PAST_SEND_DATE", moment), ("-8", "STALE_7DAY", moment),
    ]  # fmt: skip
    [log] = [row for row in built.table("lock_sweep_log") if row not in before["lock_sweep_log"]]
    assert (log["locks_expired_stale"], log["locks_expired_past_date"]) == (1, 1)
    assert log["sweep_duration_seconds"] > 0
    [run] = [row for row in built.table("etl_job_runs") if row not in before["etl_job_runs"]]
    assert (run["job_id"], run["job_name"], run["job_status"]) == (log["sweep_id"], "sweep", "SUCCESS")
    assert run["execution_date"] == TODAY
    built.dbt("build", "--selector", "sweep", env=NOW)  # its tests find nothing wrong in it


def test_a_sweep_that_finds_too_much_raises_the_alert(built: Project) -> None:
    built.execute(
        "insert into active_caption_assignments (page_name, caption_id, assignment_key, scheduled_send_date,"
        " is_active) select 'luna', n, n, ?, true from range(1001) as numbers(n)",
        [TODAY - timedelta(days=1)],
    )
    call(built, "sweep_expired_caption_locks")
    [alert] = built.query("select * from automation_alerts where alert_source = 'lock_sweep'")
    assert alert["alert_level"] == "WARNING"


def test_a_sweep_that_breaks_off_has_done_nothing(built: Project) -> None:
    built.execute(
        "insert into active_caption_assignments (page_name, assignment_key, scheduled_send_date, is_active)"
        " values ('luna', 'old', '2025-06-01', true)"
    )
    built.execute("alter table lock_sweep_log drop column total_locks_cleaned")
    call(built, "sweep_expired_caption_locks", code=1)
    [lock] = built.query("select is_active from active_caption_assignments where assignment_key = 'old'")
    assert lock["is_active"]


def test_without_locks_and_without_a_plan_it_says_what_to_run(project: Project) -> None:
    assert "run `eros run daily` first" in why(call(project, "sweep_expired_caption_locks", code=1))
    assert "run `eros run daily` first" in why(
        call(project, "select_captions_for_creator", "{page: luna}", code=1)
    )


def printed(result: Result) -> list[tuple[str, ...]]:
    """Rank, tier and caption of each row that the operation prints."""
    rows = re.findall(r"^\| (\d+) +\| (\w+) +\|[^|]*\|[^|]*\| (-?\d+) +\|", result.stdout, re.M)
    return [tuple(row) for row in rows]


def selected(project: Project, *options: str) -> list[tuple[str, ...]]:
    """The same of `eros select`."""
    rows = project.eros("select", *options, "--json").json
    return [
        (str(row["selection_rank"]), row["price_tier"], str(row["caption_id"]))
        for row in sorted(rows, key=lambda row: row["selection_rank"])
    ]


def test_a_selection_is_that_of_eros_select(built: Project) -> None:
    page = built.table("creator_day_plan")[0]["page_name"]
    usual = call(built, "select_captions_for_creator", f"{{page: ' {page.upper()}'}}")
    assert printed(usual) == selected(built, page) != []
    assert "as planned for 2025-06-15" in usual.stdout
    asked = call(
        built, "select_captions_for_creator",
        f"{{page: {page}, segment: premium, budget: 0, mid: 1, premium: 2, bump: 0}}",
    )  # fmt: skip
    options = ("--segment", "premium", "--budget", "0", "--mid", "1", "--premium", "2", "--bump", "0")
    assert printed(asked) == selected(built, page, *options)
    assert len(printed(asked)) == 3


def test_a_tier_that_runs_short_is_told(built: Project) -> None:
    page = built.table("creator_day_plan")[0]["page_name"]
    told = call(built, "select_captions_for_creator", f"{{page: {page}, mid: 900, bump: 1}}").stdout
    found = [
        tier
        for _, tier, _ in printed(call(built, "select_captions_for_creator", f"{{page: {page}, mid: 900}}"))
    ]
    short = f"mid: {found.count('mid')} of 900, no more captions of the tier are ranked"
    assert short in told
    assert "bump: " not in told
    shown = built.eros("select", page, "--mid", "900", "--json")
    assert short in shown.stderr
    assert len(shown.json) >= found.count("mid") > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("segment: vip", "segment must be budget, standard or premium, not 'vip'"),
        ("mid: -1", "mid is the number of captions wanted of that tier, 0 or more, not '-1'"),
        ("bump: many", "bump is the number of captions wanted of that tier, 0 or more, not 'many'"),
        ('page: "lu\'na"', "page 'lu'na' is not in the newest plan"),
    ],
)
def test_what_cannot_be_selected_is_an_error(built: Project, arguments: str, sentence: str) -> None:
    page = built.table("creator_day_plan")[0]["page_name"]
    given = f"{{{arguments}}}" if "page" in arguments else f"{{page: {page}, {arguments}}}"
    assert sentence in why(call(built, "select_captions_for_creator", given, code=1))


def test_a_page_that_is_left_out_is_an_error_with_its_reason(built: Project) -> None:
    page = built.table("creator_day_plan")[0]["page_name"]
    built.execute(
        "update creator_checks set check_status = 'failed',"
        " failure_reason = 'hard pattern ( does not compile' where page_name = ?",
        [page],
    )
    call_failed = call(built, "select_captions_for_creator", f"{{page: {page}}}", code=1)
    assert why(call_failed) == f"page '{page}' is left out: hard pattern ( does not compile"
    shown = built.eros("select", page, "--json", code=ExitCode.USAGE)
    assert "is left out: hard pattern ( does not compile" in shown.stderr
    assert shown.stdout == ""


def test_the_function_itself_takes_no_other_segment(built: Project) -> None:
    page = built.table("creator_day_plan")[0]["page_name"]
    with pytest.raises(duckdb.Error, match="behavioral_segment is one of budget, standard, premium"):
        built.query("select * from select_captions_for_creator(?, 'vip', 1, 1, 1, 1)", [page])
