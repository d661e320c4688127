"""`eros report`: the page says what the tables say, runs nobody's text, needs no network, fits a phone."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.report.reasons import times, why
from tests.python.harness import Project
from tests.python.html_tree import Node, parse

ZONE = ZoneInfo("America/Los_Angeles")
DAY = "2025-06-15"
NASTY = (
    "<script>document.title = 'run'</script>",
    "<img src=x onerror=\"document.title = 'run'\">",
    "\"><svg onload=alert(1)> '); alert(1); //",
    "</p></details></main><style>* { display: none }</style>",
    "&lt;b&gt; {{ 7 * 7 }} {% raw %} <!-- &amp;amp;",
    "مرحبا بكم 123 שלום",
    "👩‍👩‍👧‍👦 \u202edlrow olleh https://example.com/?a=1&b=2",
    "one\ntwo " + "x" * 600,
)


def page_of(project: Project, *arguments: str) -> Node:
    return parse(project.eros("report", "--output", "-", *arguments).stdout)


def published(project: Project) -> list[dict]:
    return project.query(
        "select * from schedule_recommendations_messages join schedule_recommendations"
        " using (schedule_id, time_slot_rank) where schedule_is_active"
        " order by schedule_recommendations_messages.page_name, time_slot_rank"
    )


def local_time(moment: datetime) -> str:
    return f"{moment.replace(tzinfo=timezone.utc).astimezone(ZONE):%H:%M}"


def figures(page: Node) -> dict[str, str]:
    return {tile.one("dt").words: tile.one("dd").words for tile in page.one("dl", cls="figures").all("div")}


def unpublish(project: Project, condition: str = "true") -> None:
    for table in ("schedule_recommendations", "schedule_recommendations_messages"):
        project.execute(f"delete from {table} where {condition}")


# ---- the page says what the tables say ----


def test_every_message_stands_under_its_creator(built):
    page, rows = page_of(built), published(built)
    assert page.one("h1").words == "Sunday 15 June 2025"
    creators = page.all("details", cls="creator")
    assert [creator.all("bdi")[0].text for creator in creators] == sorted({row["page_name"] for row in rows})
    for creator in creators:
        own = [row for row in rows if row["page_name"] == creator.all("bdi")[0].text]
        priced = sum(row["message_type"] == "PPV" for row in own)
        assert creator.one("span", cls="counts").words == f"{priced} priced, {len(own) - priced} free"
        items = creator.one("ol").all("li")
        assert len(items) == len(own) == len(creator.one("svg", cls="strip").all("circle"))
        for item, row in zip(items, own, strict=True):
            assert item.one("time").text == local_time(row["scheduled_send_time"])
            assert item.one("p", cls="text").text == row["caption_text"]
            meta = item.one("p", cls="meta").words
            assert f"caption {row['caption_id']} " in meta
            assert f"no. {row['selection_rank']} of the day, no. {row['tier_rank']} of its tier" in meta
            assert ("presses for time" in meta) == row["has_urgency"]
            assert item.one("p", cls="mark").words == f"score {row['score']:.2f}"
    messages = figures(page)["Messages"]
    assert messages == f"{len(rows)} {sum(r['message_type'] == 'PPV' for r in rows)} priced, " + (
        f"{sum(r['message_type'] == 'BUMP' for r in rows)} free"
    )


def test_the_parts_of_a_score_make_the_score(built):
    # The weights stand in models/scheduling/caption_scores.sql too; whoever changes one changes both.
    scores = {(row["page_name"], local_time(row["scheduled_send_time"])): row for row in published(built)}
    told = {
        (creator.all("bdi")[0].text, row["Time"]): {name: value.lstrip("× ") for name, value in row.items()}
        for creator in page_of(built).all("details", cls="creator")
        for row in creator.one("details", cls="numbers").one("table").table()
    }
    assert told.keys() == scores.keys()
    for key, row in told.items():
        parts = sum(float(row[name].replace("−", "-")) for name in ("Belief", "Value", "Variety", "Budget"))
        assert parts * float(row["Tier"]) == pytest.approx(scores[key]["score"], abs=0.004)
        assert float(row["Score"]) == pytest.approx(scores[key]["score"], abs=0.0006)


def test_volume_stands_against_the_plan(built):
    built.execute(
        "update creator_daily_volume set bump_count = bump_count + 2 where page_name = 'jade_robin'"
    )
    section = page_of(built).one("section", id="volume")
    week, creators = (table.table() for table in section.all("table"))
    plan = built.query(
        "select schedule_date, sum(ppv_count + bump_count) as planned from creator_daily_volume"
        " group by all order by all"
    )
    sent = built.query(
        "select sending_date, sum(message_count) as sent from page_daily_activity"
        " where sending_date between '2025-06-09' and '2025-06-14' group by all order by all"
    )
    assert [row["Planned"] for row in week] == [str(row["planned"]) for row in plan]
    assert [row["Sent"] for row in week] == [*(str(row["sent"]) for row in sent), "–"]
    assert [row["Published"] for row in week] == ["–"] * 6 + [str(len(published(built)))]
    assert week[-1]["Day"] == "Sun 15 Jun Father's Day"
    [short] = [row for row in creators if row["Gap"] != "0"]
    assert (short["Creator"], short["Gap"], short["Holiday"]) == ("jade_robin", "−2", "× 0.90")
    assert [item.words for item in section.one("ul").all("li")] == [
        "Sun 15 Jun Father's Day: volume × 0.90",
        "Thu 19 Jun Juneteenth: usual volume",
        "Fri 4 Jul Independence Day: volume × 0.70",
    ]


def test_what_has_been_learnt_adds_up(built):
    section = page_of(built).one("section", id="learning")
    known, best, pages = (table.table() for table in section.all("table"))
    [stats] = built.query(
        "select count(*) as pairs, sum(total_observations) as results from caption_bandit_stats"
    )
    assert f"{stats['results']:,} messages" in section.words
    assert sum(int(row["Captions"].replace(",", "")) for row in known) == stats["pairs"]
    margins = [int(row["How sure"].strip("± %")) for row in known]
    assert margins == sorted(margins, reverse=True)
    tries = built.query(
        "select count(*) as n from caption_bandit_stats where total_observations between 2 and 4"
    )
    assert {row["Results on a page"]: row["Captions"] for row in known}["2 to 4"] == f"{tries[0]['n']:,}"
    assert sum(int(row["Results"].replace(",", "")) for row in pages) == stats["results"]
    beliefs = built.query("select * from page_beliefs order by page_name")
    assert [row["Usual message"] for row in pages] == [f"{row['page_median_emv']:.2f}" for row in beliefs]
    lows = [float(row["4 chances in 5"].split(" ×")[0]) for row in best]
    assert len(lows) == 10
    assert lows == sorted(lows, reverse=True)


def test_the_surest_caption_is_what_its_beliefs_say(built):
    # Far more weight than any other, and a residual of ln 100: a hundred times the usual, and very sure.
    built.execute(
        "update caption_beliefs set weight_sum = 1e6, weighted_residual_sum = 1e6 * ln(100)"
        " where caption_id ="
        " (select min(caption_id) from caption_beliefs where quantity = 'value' and is_core)"
    )
    [chosen] = built.query(
        "select min(caption_id) as caption_id from caption_beliefs where quantity = 'value' and is_core"
    )
    best = page_of(built).one("section", id="learning").one("table", cls="beliefs").table()[0]
    assert f"caption {chosen['caption_id']} " in best["Caption"]
    assert (best["Times usual"], best["4 chances in 5"]) == ("100 ×", "100 × to 100 ×")


def test_health_and_alerts_are_those_that_need_somebody(built):
    built.execute("delete from automation_alerts")  # what the runs of the fixture raised
    for number, level, taken in ((1, "WARNING", "null"), (2, "CRITICAL", "false"), (3, "CRITICAL", "true")):
        built.execute(
            "insert into automation_alerts (alert_id, alert_time, alert_level, alert_source, alert_message,"
            f" acknowledged) values ('a{number}', timestamp '2025-06-15 10:00', '{level}', 'job_run',"
            f" 'message {number}: see `eros runs`', {taken})"
        )
    page = page_of(built)
    section = page.one("section", id="attention")
    alerts = [item.words for item in section.all("li") if item.one("strong").words == "job run"]
    assert alerts == [
        "critical job run 15 Jun 2025, 03:00 message 2: see eros runs",
        "warning job run 15 Jun 2025, 03:00 message 1: see eros runs",
    ]
    assert figures(page)["Open alerts"] == "2 gravest: critical"
    checks = built.query("select check_name, check_status, next_step from health_checks")
    worse = [row for row in checks if row["check_status"] != "PASS"]
    assert worse
    for row in worse:
        [item] = [
            li for li in section.all("li") if li.one("strong").words == row["check_name"].replace("_", " ")
        ]
        assert item.one("b").words == row["check_status"].lower()
        assert row["next_step"].replace("`", "") in item.words
    passing = {row["Check"].replace(" ", "_") for row in section.one("table").table()}
    assert passing == {row["check_name"] for row in checks if row["check_status"] == "PASS"}
    assert figures(page)["Health now"] == f"{len(passing)} / {len(checks)} checks pass"


def test_one_page_has_its_own_figures(built):
    page = page_of(built, "--page", " Jade_Robin ")
    [creator] = page.all("details", cls="creator")
    assert "open" in creator.attrs
    for part in ("day", "volume", "learning"):
        assert {bdi.text for bdi in page.one("section", id=part).all("bdi")} == {"jade_robin"}
    rows = [row for row in published(built) if row["page_name"] == "jade_robin"]
    assert len(creator.one("ol").all("li")) == len(rows)
    [stats] = built.query(
        "select sum(total_observations) as results from caption_bandit_stats where page_name = 'jade_robin'"
    )
    assert f"{stats['results']:,} messages" in page.one("section", id="learning").words
    assert page.one("section", id="volume").all("table")[0].table()[-1]["Published"] == str(len(rows))


# ---- days on which not all went well ----


def test_a_creator_left_out_has_its_reason(built):
    unpublish(built, "page_name in ('jade_robin', 'juniper_mesa')")
    built.execute(
        "update creator_checks set check_status = 'failed',"
        " failure_reason = 'no mid caption is free: add some' where page_name = 'jade_robin'"
    )
    # An earlier run's error says nothing of a creator that was fit in the last.
    for page, reason in (("juniper_mesa", "mended since"), ("gone_page", "an earlier run's")):
        built.execute(
            "insert into creator_processing_errors values"
            f" ('run', '{page}', date '{DAY}', '{reason.replace(chr(39), chr(39) * 2)}', now())"
        )
    page = page_of(built)
    section = page.one("section", id="attention")
    told = [item.words for item in section.all("li")]
    assert "left out jade_robin no mid caption is free: add some" in told
    assert "left out gone_page an earlier run's" in told
    assert "mended since" not in section.words
    [rest] = [words for words in told if words.startswith("no schedule")]
    assert rest.startswith("no schedule 1 creator ")
    assert rest.endswith(" juniper_mesa")
    assert figures(page)["Left out"] == "2 see why below"
    assert figures(page)["Creators"] == "4 of 7 have messages"
    rows = {row.one("bdi").text: row.one("span", cls="counts").words for row in page.all("div", cls="none")}
    assert rows == {"jade_robin": "left out", "gone_page": "left out", "juniper_mesa": "not published"}


def test_a_withdrawn_message_is_gone_and_told(built):
    [first, *_] = published(built)
    same = f"schedule_id = '{first['schedule_id']}'"
    built.execute(
        f"update schedule_recommendations set is_active = false where {same} and time_slot_rank = 1"
    )
    built.execute(f"delete from schedule_recommendations_messages where {same} and time_slot_rank = 1")
    page = page_of(built)
    creator = page.all("details", cls="creator")[0]
    assert "1 message of this day was withdrawn." in creator.one("p", cls="plan").words
    assert first["caption_text"] not in creator.one("ol").text
    unpublish(built, f"{same} and time_slot_rank > 1")
    [row] = page_of(built).all("div", cls="none")
    assert row.one("span", cls="counts").words == "all 1 withdrawn"


def test_a_failed_day_is_the_newest_day_and_says_why(built):
    built.execute(
        "insert into etl_job_runs"
        " (job_id, job_name, job_start_time, job_status, execution_date, error_message)"
        " values ('f', 'daily', timestamp '2025-06-16 10:05', 'FAILED', date '2025-06-16',"
        " 'circuit_breaker: 5 of 6 <creators> failed.')"
    )
    page = page_of(built)
    assert page.one("h1").words == "Monday 16 June 2025"
    assert "failed: circuit_breaker: 5 of 6 <creators> failed." in page.one("p", cls="bad").words
    assert "Nothing is scheduled on this day." in page.one("section", id="day").words
    assert figures(page)["Messages"] == "0 0 priced, 0 free"
    built.execute("update etl_job_runs set job_status = 'COMPLETED_NO_WORK' where job_id = 'f'")
    assert "No creator has sent a message lately" in page_of(built).one("header").words
    built.execute("update etl_job_runs set job_status = 'RUNNING' where job_id = 'f'")
    assert page_of(built).one("h1").words == "Sunday 15 June 2025"


def test_a_part_that_is_missing_is_told_and_the_rest_is_there(built):
    built.execute("drop view health_checks")
    built.execute("alter table caption_bandit_stats rename to elsewhere")
    page = page_of(built)
    notices = [notice.words for notice in page.one("main").all("p", cls="notice")]
    missing = "its tables are not there yet; eros run performance and eros run daily make them."
    assert f"The health checks cannot be shown: {missing}" in notices
    assert f"What is believed of pages cannot be shown: {missing}" in notices
    assert figures(page)["Health now"] == "? cannot be read"
    assert len(page.all("details", cls="creator")) == 6
    built.execute(
        "create view health_checks as select error('the disk is on fire') as check_status, 1 as check_name"
    )
    assert "the disk is on fire" in page_of(built).one("section", id="attention").words


def test_what_was_made_from_sample_data_says_so(built):
    said = "Made from sample data: all of it is invented."
    assert said in [notice.words for notice in page_of(built).all("p", cls="notice")]
    built.execute("insert into project_state values ('sample', '', now() + interval 1 day, 'x')")
    assert said not in [notice.words for notice in page_of(built).all("p", cls="notice")]


def test_a_quiet_day_says_so(built):
    built.execute("delete from automation_alerts")  # what the runs of the fixture raised
    built.execute("drop view health_checks")
    built.execute(
        "create view health_checks as select 'daily_run' as check_name, 'PASS' as check_status,"
        " 1.0 as figure, 'hours' as unit, 'platform' as owner, 'since' as message, null as next_step"
    )
    page = page_of(built)
    assert "Nothing: no creator was left out, no alert is open, all 1 health checks pass." in page.words
    assert figures(page)["Open alerts"] == "0 nothing waits"
    assert page.one("section", id="attention").all("li") == []


def test_days_without_anything_end_with_one_sentence(built, project):
    said = built.eros("report", "--date", "2024-01-01", code=ExitCode.USAGE).stderr
    assert said == "eros: Nothing was planned on 2024-01-01; `eros schedule` shows what is.\n"
    said = built.eros("report", "--page", "Nobody", code=ExitCode.USAGE).stderr
    assert said == f"eros: Nothing was planned for page 'nobody' on {DAY}; `eros schedule` shows what is.\n"
    said = built.eros("report", "--date", "15.6.", code=ExitCode.USAGE).stderr
    assert said == "eros: --date must be a date such as 2025-06-15, not '15.6.'.\n"
    unpublish(built)
    built.execute("delete from etl_job_runs")
    said = built.eros("report", code=ExitCode.USAGE).stderr
    assert said == "eros: No day was planned yet; `eros run daily` plans today.\n"
    built.execute("drop table schedule_recommendations")
    said = built.eros("report", code=ExitCode.CANNOT_START).stderr
    assert said.endswith("run `eros run daily` first.\n")
    assert "There is no database" in project.eros("report", code=ExitCode.CANNOT_START).stderr


def test_the_file_is_named_after_the_day_and_not_replaced_unasked(built):
    result = built.eros("report")
    file = built.directory / f"eros-report-{DAY}.html"
    assert (result.stdout, result.stderr) == (
        "",
        f"{file.name}: {len(published(built))} messages, 6 creators\n",
    )
    assert (
        parse(file.read_text(encoding="utf-8")).one("head").one("title").words == "EROS, Sunday 15 June 2025"
    )
    file.write_text("mine")
    refused = built.eros("report", code=ExitCode.USAGE)
    assert refused.stderr == f"eros: {file.name} is there already; --force replaces it.\n"
    assert file.read_text() == "mine"
    built.eros("report", "--force", "--output", str(file))
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


# ---- a stranger's text, and no network ----


@pytest.fixture
def nasty(built: Project) -> Project:
    """Every text that somebody else writes tries to be HTML."""
    rows = published(built)[: len(NASTY)]
    for text, row in zip(NASTY, rows, strict=True):
        built.execute(
            "update schedule_recommendations_messages set caption_text = ?, content_category = ?"
            " where schedule_id = ? and time_slot_rank = ?",
            [text, text, row["schedule_id"], row["time_slot_rank"]],
        )
    for text in NASTY:
        built.execute(
            "insert into automation_alerts (alert_id, alert_time, alert_level, alert_source, alert_message,"
            " acknowledged) values (uuid(), now(), 'WARNING', ?, ?, false)",
            [text, text],
        )
        built.execute(
            "insert into creator_processing_errors values ('x', ?, date '2025-06-15', ?, now())", [text, text]
        )
        built.execute("update caption_bank_checked set caption_text = ?", [text])
    built.execute("update page_beliefs set page_name = ? where page_name = 'jade_robin'", [NASTY[0]])
    built.execute("update creator_daily_volume set page_name = ? where page_name = 'jade_robin'", [NASTY[0]])
    return built


def test_a_caption_is_text_and_nothing_else(nasty):
    plain = {node.tag for node in page_of(nasty, "--page", "quiet_prairie").walk()}
    page = page_of(nasty)
    assert {node.tag for node in page.walk()} <= plain | {"div", "code"}
    texts = [node.text for node in page.all("p", cls="text")]
    assert [text for text in texts if text in NASTY] == list(NASTY)
    assert all(node.attrs["dir"] == "auto" for node in page.all(cls="text"))
    assert {node.text for node in page.all("bdi")} >= set(NASTY)


def test_nothing_runs_and_nothing_is_fetched(nasty):
    page = page_of(nasty)
    assert page.all("script") == []
    for node in page.walk():
        assert not [name for name in node.attrs if name.startswith("on")]
        assert {"srcset", "action", "formaction", "data", "poster", "background"}.isdisjoint(node.attrs)
        for name in ("src", "href", "xlink:href"):
            link = node.attrs.get(name) or "#"
            assert link.startswith("#") or link == "data:,", link
        assert "url(" not in (node.attrs.get("style") or "")
    css = page.one("style").text
    assert "url(" not in css
    assert "@import" not in css
    [policy] = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attrs["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")


def test_the_page_can_be_heard(built):
    page = page_of(built)
    assert page.one("html").attrs["lang"] == "en"
    ids = [node.attrs["id"] for node in page.walk() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert link.attrs["href"].removeprefix("#") in ids
    for section in page.all("section"):
        assert section.attrs["aria-labelledby"] in ids
    for svg in page.all("svg"):
        assert svg.attrs["aria-hidden"] == "true"
    for table in page.all("table"):
        table.table()
        assert all(row.all("th", scope="row") for row in table.one("tbody").all("tr"))
    levels = [int(node.tag[1]) for node in page.walk() if re.fullmatch(r"h\d", node.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@pytest.fixture
def hundred(built: Project) -> Project:
    """100 creators with 24 messages each."""
    pages = "select *, printf('creator_%03d', i) as name from range(100) as numbers(i)"
    for table in ("creator_daily_volume", "creator_day_plan", "creator_checks", "page_beliefs"):
        built.execute(
            f"create or replace temp table one as from {table} where page_name = 'coral_lodge';"
            f"delete from {table};"
            f"insert into {table} select one.* replace (name as page_name) from one, ({pages})"
        )
    for table in ("schedule_recommendations", "schedule_recommendations_messages"):
        built.execute(
            f"create or replace temp table one as from {table} where page_name = 'coral_lodge';"
            f"delete from {table};"
            f"insert into {table} select one.* replace ("
            " name as page_name, name || '_20250615' as schedule_id,"
            " time_slot_rank + 5 * j as time_slot_rank, "
            " scheduled_send_time + to_minutes(29 * j) as scheduled_send_time"
            f") from one, ({pages}), range(5) as again(j) where time_slot_rank + 5 * j < 25"
        )
    return built


def test_a_hundred_creators_fit_into_a_page_that_opens_folded(hundred):
    content = hundred.eros("report", "--output", "-").stdout
    page = parse(content)
    creators = page.all("details", cls="creator")
    assert len(creators) == 100
    assert sum(len(creator.one("ol").all("li")) for creator in creators) == 2400
    assert len(content.encode()) < 3_000_000
    assert not any("open" in details.attrs for details in page.all("details"))


# ---- why, in words ----

CHOSEN = {
    "score": 0.8, "caption_policy": "pooled", "believed": 2.13, "believed_low": 0.6, "believed_high": 7.3,
    "outcome_count": 3, "page_count": 2, "luck": 1.0, "diversity": 0.25, "budget_penalty": 0.0,
    "segment_multiplier": 1.0, "is_soft_restricted": False, "draw": 0.5, "quantity": "value",
}  # fmt: skip
BELIEF = "Expected to bring 2.1 × the usual message of this page (4 chances in 5: 0.6 × to 7.3 ×)."


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, [BELIEF, "Known from 3 results here.", "Nothing of its kind went out lately."]),
        ({"outcome_count": 1, "diversity": 0.0}, [BELIEF, "Known from 1 result here."]),
        ({"quantity": "opens", "diversity": 0.0},
         ["Expected to be opened 2.1 × as often as the usual free message of this page (4 chances in 5: 0.6 ×"
          " to 7.3 ×).", "Known from 3 results here."]),
        ({"outcome_count": 0, "diversity": 0.0}, [BELIEF, "Never tried here; known from 2 other pages."]),
        ({"outcome_count": 0, "page_count": None, "diversity": 0.0},
         [BELIEF, "Never tried anywhere: a first try."]),
        ({"luck": 2.0, "diversity": 0.05},
         [BELIEF, "Known from 3 results here.", "The day's draw raised that to 4.3 ×.",
          "It differs from most that went out lately."]),
        ({"luck": 0.5, "diversity": -0.1},
         [BELIEF, "Known from 3 results here.", "The day's draw lowered that to 1.1 ×.",
          "It is much like what went out lately."]),
        ({"diversity": 0.0, "budget_penalty": -0.3, "segment_multiplier": 1.15, "is_soft_restricted": True},
         [BELIEF, "Known from 3 results here.",
          "The week's share of urgent captions, or of this category, is nearly used up.",
          "Its tier suits what fans of this page pay (× 1.15).",
          "It matches a pattern this page would rather avoid; nothing better was free."]),
        ({"caption_policy": "wilson", "luck": None, "diversity": 0.0},
         ["Its record on this page drew a chance of 50% to beat the usual message.",
          "Known from 3 results here."]),
        ({"believed": None, "diversity": 0.0},
         ["The usual message of this page brings nothing, so there is no yardstick for it.",
          "Known from 3 results here."]),
        ({"score": None}, ["It was published by hand, or by a version that kept no score."]),
    ],
)  # fmt: skip
def test_the_reasons_are_sentences(changes, said):
    assert [sentence.replace("\u00a0", " ") for sentence in why({**CHOSEN, **changes})] == said


@pytest.mark.parametrize(
    ("ratio", "said"),
    [(0.0712, "0.07 ×"), (0.096, "0.1 ×"), (0.94, "0.9 ×"), (9.96, "10 ×"), (2134.4, "2,134 ×")],
)
def test_a_multiple_is_as_long_as_it_must_be(ratio, said):
    assert times(ratio) == said.replace(" ", "\u00a0")


# ---- in a browser ----

CHROMIUM = shutil.which("chromium")
HARNESS = """<!DOCTYPE html><title>harness</title>{frames}<pre id="found"></pre><script>
onload = () => {{
  const found = {{}};
  for (const frame of document.querySelectorAll("iframe")) {{
    const page = frame.contentDocument;
    for (const details of page.querySelectorAll("details")) details.open = true;
    found[frame.name] = [page.documentElement.scrollWidth, frame.clientWidth, page.title];
  }}
  document.getElementById("found").textContent = JSON.stringify(found);
}};
</script>"""


def browse(pages: dict[str, str], folder: Path) -> tuple[dict[str, list], list[str]]:
    """Each page in a frame, name@width: [width of its content, of the frame, title], everything unfolded;
    and what the console said."""
    frames = "".join(
        f'<iframe name="{name}" style="border:0;height:700px;width:{name.split("@")[1]}px"'
        f' srcdoc="{html.escape(content)}"></iframe>'
        for name, content in pages.items()
    )
    file = folder / "harness.html"
    file.write_text(HARNESS.format(frames=frames), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--hide-scrollbars", "--enable-logging=stderr", "--window-size=1400,900",
         f"--user-data-dir={folder / 'profile'}", "--dump-dom", file.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
        env={**os.environ, "HOME": str(folder)},
    )  # fmt: skip
    told = parse(done.stdout).one("pre", id="found").text
    return json.loads(told), re.findall(r"CONSOLE.*", done.stderr)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium on the PATH of this machine")
def test_a_browser_shows_it_without_complaint_or_sideways_scroll(nasty, tmp_path):
    content = nasty.eros("report", "--output", "-").stdout
    pages = {
        "phone@360": content,
        "desktop@1280": content,
        # What the test must be able to see: too wide a page, and one that writes to the console.
        "wide@360": "<title>wide</title><div style='width:500px'>x</div>",
        "talker@360": "<title>talker</title><script>console.error('heard')</script>",
    }
    found, console = browse(pages, tmp_path)
    assert found["wide@360"] == [500 + 8, 360, "wide"]
    assert found["phone@360"] == [360, 360, "EROS, Sunday 15 June 2025"]
    assert found["desktop@1280"][0] <= 1280
    assert len(console) == 1, console
    assert "heard" in console[0]
