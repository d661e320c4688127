"""Nothing forbidden goes out: restrictions are understood, or the creator is not scheduled."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.python.harness import AS_OF, ROOT, Commands, Project, Row, parsed_project

COLUMNS = (
    "page_name", "hard_patterns", "soft_patterns", "restricted_categories", "restricted_price_tiers",
    "applies_to_scope", "min_ppv_pool", "min_bump_pool", "is_active", "updated_at", "version",
)  # fmt: skip
GOOD = {
    "page_name": "lilac_anchor", "hard_patterns": '["(?i)cookbook", "(?i)backstage"]', "soft_patterns": "[]",
    "restricted_categories": "[]", "restricted_price_tiers": "[]", "applies_to_scope": "ALL",
    "min_ppv_pool": "0", "min_bump_pool": "0", "is_active": "true",
    "updated_at": "2025-05-01T00:00:00Z", "version": "1",
}  # fmt: skip
FORBIDDEN = ("backstage", "cookbook")
PPV, BUMP = 104, 378  # what lilac_anchor would send without restrictions: a cookbook, and backstage
TIERS = ("budget", "mid", "premium", "bump")


def write_restrictions(project: Project, *rows: Row) -> None:
    """Write creator_caption_restrictions.csv anew; a row says what differs from GOOD."""
    (project.data_dir / "creator_caption_restrictions.parquet").unlink(missing_ok=True)
    path = project.data_dir / "creator_caption_restrictions.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows({**GOOD, **row} for row in rows)


def scheduled(project: Project, page: str = "lilac_anchor") -> list[Row]:
    return project.query(
        "select m.*, r.content_category as category from schedule_recommendations_messages as m"
        " join schedule_recommendations as r using (schedule_id, time_slot_rank) where m.page_name = ?"
        " order by time_slot_rank", [page],
    )  # fmt: skip


def reasons(project: Project) -> dict[str, str]:
    """Why a creator is left out, by page."""
    rows = project.query("select page_name, failure_reason from creator_checks where check_status = 'failed'")
    return {row["page_name"]: row["failure_reason"] for row in rows}


def last_run(project: Project) -> Row:
    return project.query("select * from etl_job_runs order by job_start_time desc limit 1")[0]


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory, shared: Path, commands: Commands) -> Project:
    """The shipped sample with nobody restricted, and what is learnt from it."""
    parsed = Project(parsed_project(shared, commands), commands)
    project = parsed.clone(tmp_path_factory.mktemp("restrictions") / "learnt")
    shutil.copytree(ROOT / "sample_data", project.data_dir, dirs_exist_ok=True)
    write_restrictions(project)
    project.run("performance")
    return project


@pytest.fixture
def sample(learnt: Project, tmp_path: Path) -> Project:
    return learnt.clone(tmp_path / "sample")


# ---- one row that is not perfect ----


def test_without_restrictions_the_captions_would_go_out(sample: Project) -> None:
    sample.run("daily")
    assert {row["caption_id"] for row in scheduled(sample)} == {PPV, BUMP}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({}, None),
        ({"is_active": "WAHR"}, "is_active is not a truth value"),
        ({"hard_patterns": "['(?i)cookbook', '(?i)backstage']"}, "hard_patterns is not a list"),
        ({"hard_patterns": r'["\bcookbook\b", "\bbackstage\b"]'}, "hard_patterns has a control character"),
        ({"page_name": "@Lilac-Anchor "}, None),
    ],
)
def test_a_row_is_understood_or_its_creator_is_not_scheduled(
    sample: Project, row: Row, reason: str | None
) -> None:
    write_restrictions(sample, row)
    sample.run("daily", code=None)
    assert not {row["caption_id"] for row in scheduled(sample)} & {PPV, BUMP}
    why = reasons(sample).get("lilac_anchor")
    if reason is None:
        assert why is None
        assert scheduled(sample)
    else:
        assert scheduled(sample) == []
        assert why is not None
        assert why.startswith("a row of creator_caption_restrictions cannot be used: page lilac_anchor")
        assert reason in why
        assert "mend the row" in why
    assert scheduled(sample, "pine_creek"), "the others go on"


def test_a_tier_is_compared_whatever_its_case(sample: Project) -> None:
    write_restrictions(sample, {"hard_patterns": "[]", "restricted_price_tiers": '[" Bump"]'})
    sample.run("daily")
    assert not {row["price_tier"] for row in scheduled(sample)} & {"bump"}
    assert reasons(sample) == {"lilac_anchor": "no bump caption is free: add some"}


LISTS = {
    "texts": "['(?i)cookbook', '(?i)backstage']",
    "elements": "[{'element': '(?i)cookbook'}, {'element': '(?i)backstage'}]",
    "a list of elements": "{'list': [{'element': '(?i)cookbook'}, {'element': '(?i)backstage'}]}",
    "bytes": r"['(?i)cookbook'::blob, '(?i)\x5Cbbackstage\x5Cb'::blob]",
    "JSON as bytes": """'["(?i)cookbook", "(?i)backstage"]'::blob""",
}


@pytest.mark.parametrize("patterns", LISTS.values(), ids=LISTS)
def test_a_list_is_read_as_exporters_write_it(sample: Project, patterns: str) -> None:
    (sample.data_dir / "creator_caption_restrictions.csv").unlink()
    target = sample.data_dir / "creator_caption_restrictions.parquet"
    nothing = "cast([] as varchar[])"
    duckdb.sql(
        f"copy (select 'lilac_anchor' as page_name, {patterns} as hard_patterns, {nothing} as soft_patterns,"
        f" {nothing} as restricted_categories, {nothing} as restricted_price_tiers,"
        " 'ALL' as applies_to_scope, 0 as min_ppv_pool, 0 as min_bump_pool, true as is_active,"
        f" timestamp '2025-05-01' as updated_at, 1 as version) to '{target}'"
    )
    sample.run("daily")
    assert scheduled(sample)
    assert not {row["caption_id"] for row in scheduled(sample)} & {PPV, BUMP}


# ---- many rows at once: a page each ----

UNDERSTOOD: dict[str, Row] = {
    "as it should be": {},
    "another case and blanks": {"applies_to_scope": " all ", "is_active": " TRUE "},
    "what may be left out": {"applies_to_scope": "", "is_active": "", "version": "", "soft_patterns": ""},
    "a number that is whole": {"version": "2.0", "min_ppv_pool": "0.0"},
    "an unusable time": {"updated_at": "gestern"},
    "wrapped elements": {"hard_patterns": '[{"element": "(?i)backstage"}, {"item": "(?i)cookbook"}]'},
    "null for no list": {"soft_patterns": "null"},
    "a pattern with what nobody sees": {"hard_patterns": '["(?i)back\u200bstage", "(?i)\ufeffcookbook"]'},
    "a category in another case": {
        "hard_patterns": "[]",
        "restricted_categories": '["PETS", " books\u00a0"]',
    },
}
NOT_UNDERSTOOD: dict[str, Row] = {
    **{f"active: {text}": {"is_active": text} for text in ("WAHR", "ja", "2", "tru", "x")},
    **{
        f"patterns: {text}": {"hard_patterns": text}
        for text in (
            "backstage", "(?i)backstage|cookbook", "['(?i)backstage', '(?i)cookbook']",
            '["(?i)backstage", "(?i)cookbook"', '["(?i)backstage", 7]', '["(?i)backstage", null]',
            '[["(?i)backstage"]]', '{"a": "(?i)backstage"}', r'["\bbackstage\b"]', r'["\dbackstage"]',
            '["(?i)backstage\\\\\\\\b"]', '["(?i)back\\nstage"]', '["(backstage"]', "7", "true",
            "“(?i)backstage”", "{(?i)backstage}", '"[\\"(?i)backstage\\"]"', "None", "[(?i)backstage]",
            '[{"pattern": "backstage"}]',
        )
    },
    "soft patterns": {"soft_patterns": "psst"},
    "categories": {"restricted_categories": "pets, books"},
    "tiers": {"restricted_price_tiers": "[1]"},
    **{f"scope: {text}": {"applies_to_scope": text} for text in ("PPV", "BOTH", "ALL,", "0")},
    **{f"minimum: {text}": {"min_ppv_pool": text} for text in ("viele", "-1", "1.5", "inf")},
    **{f"version: {text}": {"version": text} for text in ("v2", "1.5")},
}  # fmt: skip


def write_pages(project: Project, pages: list[str]) -> None:
    """Inputs in which each page needs captions of every tier, and would get forbidden ones."""
    texts = [(f"caption {n} of {tier}", tier, "travel") for tier in TIERS for n in range(3)]
    texts += [(f"my backstage {n} of {tier}", tier, "pets") for tier in TIERS for n in range(8)]
    texts += [(f"Cookbook {n} of {tier}", tier, "books") for tier in TIERS for n in range(8)]
    project.write_inputs(
        file_format="csv",
        mass_messages=[
            {"row_id": number, "page_name": page, "message": "hello"} for number, page in enumerate(pages)
        ],
        caption_bank=[
            {"caption_text": text, "price_tier": tier, "content_category": category}
            for text, tier, category in texts
        ],
    )


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, shared: Path, commands: Commands) -> Project:
    """A project whose breaker does not open, so that many creators can fail at once."""
    parsed = Project(parsed_project(shared, commands), commands)
    project = parsed.clone(tmp_path_factory.mktemp("restrictions") / "many")
    project.edit("dbt_project.yml", "circuit_breaker_threshold: 5", "circuit_breaker_threshold: 5000")
    write_pages(project, ["free"])
    project.run("performance")
    return project


def run_pages(project: Project, rows: dict[str, list[Row]]) -> dict[str, list[str]]:
    """Schedule pages with these rows of restrictions; gives the texts of each page that is scheduled."""
    write_pages(project, ["free", *rows])
    write_restrictions(project, *({"page_name": page, **row} for page in rows for row in rows[page]))
    project.execute("drop table if exists schedule_recommendations")
    project.execute("drop table if exists restricted_pages")
    project.execute("delete from active_caption_assignments")
    project.eros("run", "performance", "--as-of", AS_OF.isoformat(), "--full-refresh", code=None)
    project.run("daily", code=None)
    texts: dict[str, list[str]] = {}
    for row in project.query("select page_name, caption_text from schedule_recommendations where is_active"):
        texts.setdefault(row["page_name"], []).append(row["caption_text"])
    assert any(is_forbidden(text) for text in texts["free"]), "without a restriction they are scheduled"
    return texts


def is_forbidden(text: str) -> bool:
    return any(word in text.lower() for word in FORBIDDEN)


@pytest.mark.slow
def test_what_is_understood_is_obeyed_and_what_is_not_is_not_scheduled(many: Project) -> None:
    rows = [*UNDERSTOOD.values(), *NOT_UNDERSTOOD.values()]
    pages = {f"page_{number:02}": [row] for number, row in enumerate(rows)}
    texts = run_pages(many, pages)
    failed = reasons(many)
    for (page, _), name in zip(pages.items(), [*UNDERSTOOD, *NOT_UNDERSTOOD], strict=True):
        assert not any(is_forbidden(text) for text in texts.get(page, [])), name
        assert (page in texts) is (name in UNDERSTOOD), name
        assert (page in failed) is (name not in UNDERSTOOD), name
        assert "creator_caption_restrictions" in failed.get(page, "creator_caption_restrictions"), name


def edited(text: str, position: int, mark: str | None) -> str:
    """The text without one of the marks that hold it together, or with another one somewhere.

    Within a pattern ] and ' would be part of it: one that is good and means something else.
    """
    marks = [place for place, sign in enumerate(text) if sign in '[]",']
    if mark is None:
        place = marks[position % len(marks)]
        return text[:place] + text[place + 1 :]
    places = range(len(text) + 1)
    if mark in ("]", "'"):
        places = [place for place in places if text[:place].count('"') % 2 == 0]
    place = places[position % len(places)]
    return text[:place] + mark + text[place:]


PATTERNS = st.builds(
    edited,
    st.just(GOOD["hard_patterns"]),
    st.integers(0, 100),
    st.sampled_from([None, "\\", '"', "'", "[", "]"]),
)
MUTILATED = st.fixed_dictionaries(
    {"hard_patterns": st.one_of(st.just(GOOD["hard_patterns"]), PATTERNS)},
    optional={
        "is_active": st.sampled_from(["", "true", "TRUE", "1", "Wahr", "yes!", "oui", "aktiv"]),
        "applies_to_scope": st.sampled_from(["", "all", "ALL", "PPV_ONLY,BUMP_ONLY", "Any", "everything"]),
        "version": st.sampled_from(["", "1", "3.0", "one", "1,0"]),
        "min_ppv_pool": st.sampled_from(["", "0", "zero", "0,0"]),
        "updated_at": st.sampled_from(["", "2025-05-01", "01.05.2025", "now"]),
        "soft_patterns": st.sampled_from(["", "[]", "null", "none", "[''],"]),
    },
)  # fmt: skip


@pytest.mark.slow
@settings(
    max_examples=2, deadline=None, database=None, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
@given(rows=st.lists(st.lists(MUTILATED, min_size=1, max_size=2), min_size=60, max_size=60))
def test_however_a_row_is_mutilated_nothing_forbidden_goes_out(many: Project, rows: list[list[Row]]) -> None:
    texts = run_pages(many, {f"page_{number:02}": mutilated for number, mutilated in enumerate(rows)})
    for number, mutilated in enumerate(rows):
        found = [text for text in texts.get(f"page_{number:02}", []) if is_forbidden(text)]
        assert not found, json.dumps(mutilated)


# ---- whose page it is ----


@pytest.mark.parametrize(
    ("row", "stop"),
    [
        ({"page_name": "lilac_anchors"}, "page lilac_anchors, scope ALL, version 1"),
        ({"page_name": "", "hard_patterns": "x"}, "hard_patterns is not a list"),
        ({"page_name": "nobody", "hard_patterns": "x", "is_active": "?"}, "page nobody"),
    ],
)
def test_a_restriction_of_no_certain_page_stops_publication(sample: Project, row: Row, stop: str) -> None:
    write_restrictions(sample, row)
    sample.run("daily", code=1)
    assert "schedule_recommendations" not in [r["name"] for r in sample.query("show tables")]
    sample.dbt("run", "--selector", "daily", env={"EROS_AS_OF": AS_OF.isoformat()}, code=None)
    assert sample.query("select 1 from schedule_recommendations") == []
    assert sample.query("select 1 from active_caption_assignments") == []
    run = last_run(sample)
    assert run["job_status"] == "FAILED"
    assert stop in run["error_message"]
    alerts = sample.query("select alert_level from automation_alerts where job_id = ?", [run["job_id"]])
    assert alerts == [{"alert_level": "CRITICAL"}]

    write_restrictions(sample, GOOD)
    sample.run("daily")
    assert scheduled(sample)


def test_what_restricts_nothing_is_not_judged(sample: Project) -> None:
    nothing = {"hard_patterns": "[]"}
    write_restrictions(
        sample,
        {},
        {"page_name": "nobody", **nothing},
        {"page_name": "nobody", "is_active": "false"},
        {"page_name": "", "is_active": "false"},
        {"is_active": "FALSE", "version": "7x"},
        {"hard_patterns": "x", "version": "0"},
        dict.fromkeys(COLUMNS, ""),
        {},
    )
    sample.run("daily", code=None)
    assert reasons(sample) == {}
    assert scheduled(sample)
    assert not {row["caption_id"] for row in scheduled(sample)} & {PPV, BUMP}


def test_names_and_times_that_help_nobody_are_warnings(sample: Project) -> None:
    write_restrictions(
        sample,
        {"restricted_categories": '["travl", "Books"]', "restricted_price_tiers": '["VIP", "gold"]'},
        {"page_name": "pine_creek", "updated_at": "neulich"},
    )
    sample.run("daily")
    tests = ["restrictions_name_what_there_is", "restrictions_have_usable_times"]
    said = sample.dbt("test", "--select", *tests, env={"EROS_AS_OF": AS_OF.isoformat()}).stdout
    assert "WARN 2 restrictions_name_what_there_is" in said
    assert "WARN 1 restrictions_have_usable_times" in said
    compiled = sample.directory / "target" / "compiled" / "eros" / "tests" / "dbt" / "singular"
    found = [
        row["problem"] for row in sample.query((compiled / f"{tests[0]}.sql").read_text(encoding="utf-8"))
    ]
    assert any("the category travl," in reason for reason in found)
    assert any("the tier gold," in reason for reason in found)


# ---- what was restricted ----


def test_a_page_stays_restricted_until_a_row_lifts_it(sample: Project) -> None:
    write_restrictions(sample, {}, {"page_name": "pine_creek", "hard_patterns": "[]"})
    sample.run("performance")
    write_restrictions(sample)
    for schedule in ("performance", "performance", "daily"):
        sample.run(schedule, code=None)
    assert list(reasons(sample)) == ["lilac_anchor"]
    assert "no row for it now" in reasons(sample)["lilac_anchor"]
    assert scheduled(sample) == []
    sample.dbt("run", "--full-refresh", "--select", "restricted_pages", env={"EROS_AS_OF": AS_OF.isoformat()})
    sample.run("daily", code=None)
    assert scheduled(sample) == []

    write_restrictions(sample, {"is_active": "false"})
    sample.run("daily")
    assert {row["caption_id"] for row in scheduled(sample)} == {PPV, BUMP}


def test_a_database_from_before_knows_who_was_restricted(sample: Project) -> None:
    write_restrictions(sample, {})
    sample.run("performance")
    sample.execute("drop table restricted_pages")
    write_restrictions(sample)
    sample.run("daily", code=None)
    assert list(reasons(sample)) == ["lilac_anchor"]


# ---- what was published ----


def test_what_is_forbidden_by_now_is_withdrawn(sample: Project) -> None:
    sample.run("daily")
    before = scheduled(sample)
    others = sample.query(
        "select * from schedule_recommendations where page_name != 'lilac_anchor' order by all"
    )
    write_restrictions(sample, {"hard_patterns": '["(?i)cookbook"]'})
    sample.run("daily")

    [withdrawn] = sample.table("withdrawn_messages")
    assert withdrawn["caption_id"] == PPV
    assert withdrawn["reason"] == (
        "creator_caption_restrictions forbids the hard pattern (?i)cookbook on the page lilac_anchor"
    )
    assert scheduled(sample) == [row for row in before if row["caption_id"] != PPV]
    of_it = f"where caption_id = {PPV} and schedule_id = 'lilac_anchor_20250615'"
    assert sample.query(f"select is_active from schedule_recommendations {of_it}") == [{"is_active": False}]
    assert sample.query(f"select is_active, deactivation_reason from active_caption_assignments {of_it}") == [
        {"is_active": False, "deactivation_reason": "CANCELLED_FORBIDDEN"}
    ]
    [alert] = sample.query("select * from automation_alerts where alert_source = 'withdrawn_messages'")
    assert (alert["alert_level"], alert["job_id"]) == ("CRITICAL", withdrawn["job_id"])
    assert withdrawn["reason"] in alert["alert_message"]
    assert others == sample.query(
        "select * from schedule_recommendations where page_name != 'lilac_anchor' order by all"
    )

    sample.run("daily")
    assert sample.table("withdrawn_messages") == [withdrawn], "once is enough"
    assert len(sample.query("select 1 from automation_alerts where alert_source = 'withdrawn_messages'")) == 1
    sample.run("daily", as_of=AS_OF + timedelta(days=1))
    assert not any(
        is_forbidden(row["caption_text"]) for row in scheduled(sample) if row["caption_id"] != BUMP
    )


@pytest.mark.parametrize(
    ("row", "gone"),
    [
        ({"hard_patterns": "[]", "restricted_categories": '["BOOKS"]'}, {PPV}),
        (
            {"hard_patterns": "[]", "restricted_price_tiers": '["Bump"]', "applies_to_scope": "BUMP_ONLY"},
            {BUMP},
        ),
        ({"hard_patterns": '["(?i)backstage"]', "applies_to_scope": "PPV_ONLY"}, set()),
        ({"is_active": "WAHR"}, {PPV, BUMP}),
        ({"hard_patterns": "x"}, set()),
        ({"soft_patterns": "x", "applies_to_scope": "BOTH", "hard_patterns": '["(?i)backstage"]'}, {BUMP}),
        ({"is_active": "false"}, set()),
    ],
)
def test_withdrawn_is_what_is_certainly_forbidden(sample: Project, row: Row, gone: set[int]) -> None:
    sample.run("daily")
    write_restrictions(sample, row)
    sample.run("performance", code=None)
    assert {row["caption_id"] for row in sample.table("withdrawn_messages")} == gone
    assert {row["caption_id"] for row in scheduled(sample)} == {PPV, BUMP} - gone


def test_what_has_gone_out_is_not_withdrawn(sample: Project) -> None:
    sample.run("daily")
    first, last = scheduled(sample)
    write_restrictions(sample, {})
    sample.run("performance", as_of=first["scheduled_send_time"].isoformat() + "Z", code=None)
    assert [row["time_slot_rank"] for row in sample.table("withdrawn_messages")] == [last["time_slot_rank"]]


def test_publication_that_is_stopped_still_withdraws(sample: Project) -> None:
    sample.run("daily")
    write_restrictions(sample, {}, {"page_name": ""})
    sample.run("daily", code=1)
    assert scheduled(sample) == []


def test_the_replay_of_a_moment_withdraws_nothing_that_has_gone_out_since(sample: Project) -> None:
    sample.run("daily")
    sample.execute(f"update etl_job_runs set job_start_time = '{AS_OF.replace(tzinfo=None)}'")
    write_restrictions(sample, {})
    sample.run("daily", code=None)
    assert sample.table("withdrawn_messages") == []
    assert len(scheduled(sample)) == 2
