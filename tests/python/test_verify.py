"""`eros verify` on DuckDB: everything passes as built, and whatever is broken is what fails.

BREAKAGES holds, for every check, a change of the database (or of a file that the database depends on)
that makes this check fail, with whatever else depends on the same thing, and nothing more.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import pytest

from eros_dbt_runner.declarations.files import Declarations
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.verification import CHECKS
from tests.python.harness import ROOT, SCHEMA, Project, parsed_project

CATEGORIES = [
    "objects", "functions", "schemas", "messages", "procedures", "holidays", "time zone", "performance",
]  # fmt: skip


def verdicts(project: Project, *arguments: str, code: int) -> dict[str, str]:
    """What `eros verify` says: the findings of the checks that failed, by category and name."""
    document = project.eros("verify", "--json", *arguments, code=code).json
    results = document["results"]
    failed = {f"{r['category']}: {r['name']}": r["found"] for r in results if r["verdict"] == "FAIL"}
    assert document["checks"] == len(results) == document["passed"] + len(failed)
    assert document["failed"] == len(failed)
    return failed


# ---- as built ----


def test_what_was_built_passes_every_check_of_all_eight_categories(built):
    before = built.database.read_bytes()
    document = built.eros("verify", "--json").json
    assert [result for result in document["results"] if result["verdict"] != "PASS"] == []
    assert document["checks"] == document["passed"] == len(CHECKS) >= 21
    assert list(dict.fromkeys(result["category"] for result in document["results"])) == CATEGORIES
    assert all(result["found"] for result in document["results"])
    assert document["target"] == "duckdb"
    assert built.database.read_bytes() == before


def test_the_verdicts_are_shown_by_category_with_a_summary(built):
    text = built.eros("verify").stdout
    assert text.splitlines()[-1] == f"{len(CHECKS)} checks: {len(CHECKS)} PASS, 0 FAIL"
    assert [word for word in CATEGORIES if f"│ {word} " in text] == CATEGORIES
    built.execute("drop macro wilson_draw")
    text = built.eros("verify", code=ExitCode.CHECK_FAILED).stdout
    assert text.splitlines()[-1] == f"{len(CHECKS)} checks: {len(CHECKS) - 3} PASS, 3 FAIL"
    assert "wilson_draw is missing" in text


# ---- broken, one by one ----


@dataclass(frozen=True)
class Breakage:
    """A change that makes the checks `fails` fail; the first one's finding must say `says`."""

    change: Callable[[Project], None]
    fails: tuple[str, ...]
    says: str
    arguments: tuple[str, ...] = ()


def sql(*statements: str) -> Callable[[Project], None]:
    def change(project: Project) -> None:
        for statement in statements:
            project.execute(statement)

    return change


def edit(path: str, old: str, new: str) -> Callable[[Project], None]:
    return lambda project: project.edit(path, old, new)


def macro(name: str, body: str) -> Callable[[Project], None]:
    """Deploy a function anew; in `body`, `{own}` is what it was and `{first}` its first argument."""

    def change(project: Project) -> None:
        [found] = project.query(
            "select parameters, macro_definition as own from duckdb_functions() where function_name = ?"
            " and schema_name = ?",
            [name, SCHEMA],
        )
        parameters = found["parameters"]
        new = body.format(own=f"({found['own']})", first=parameters[0])
        project.execute(f"create or replace macro {name} ({', '.join(parameters)}) as ({new})")

    return change


def slow(name: str) -> Callable[[Project], None]:
    """The same values, but each call works for a fraction of a millisecond, 100,000 for half a minute."""
    text = "cast({first} as varchar)"
    work = f"levenshtein(lpad({text}, 500, 'a'), rpad({text}, 500, 'b'))"
    return macro(name, f"case when {work} < 0 then null else {{own}} end")


def unreadable_input(project: Project) -> None:
    file = project.directory / "captions.parquet"
    project.execute(f"copy (select * from captions) to '{file}' (format parquet)")
    project.execute(f"create or replace view captions as select * from '{file}'")
    file.unlink()


def reordered(project: Project) -> None:
    names = [row["column_name"] for row in project.query("describe caption_bandit_stats")]
    columns = ", ".join([names[1], names[0], *names[2:]])
    project.execute(f"create table other as select {columns} from caption_bandit_stats")
    project.execute("drop table caption_bandit_stats")
    project.execute("alter table other rename to caption_bandit_stats")


def shifted(month: int) -> Callable[[Project], None]:
    """An engine whose clock is wrong in one month."""
    return sql(
        "create macro timezone(zone, moment) as system.main.timezone(zone, moment)"
        f" + case when month(moment) = {month} then interval 1 hour else interval 0 hour end"
    )


def a_lock_of(day: str) -> str:
    return (
        "insert into active_caption_assignments (page_name, caption_id, scheduled_send_date, is_active,"
        f" assignment_key) values ('luna', 1, date '{day}', true, 'x')"
    )


BREAKAGES = {
    # 1: objects
    "an input is gone": Breakage(
        sql("drop view captions"),
        ("objects: inputs", "schemas: columns of inputs"),
        "captions is missing",
    ),
    "a table of state is gone": Breakage(
        sql("drop table schedule_export_log"),
        ("objects: state", "schemas: columns of state", "schemas: partitioning", "schemas: clustering"),
        "schedule_export_log is missing",
    ),
    "a seed is gone": Breakage(
        sql("drop table tier_mix"), ("objects: seeds", "schemas: columns of seeds"), "tier_mix is missing"
    ),
    "a staging table is gone": Breakage(
        sql("drop table restricted_pages"),  # no view reads it
        ("objects: staging", "schemas: columns of staging"),
        "restricted_pages is missing: `eros run performance`",
    ),
    "a learning table is gone": Breakage(
        sql("drop table learning_coverage"),  # no view reads it
        ("objects: learning", "schemas: columns of learning"),
        "learning_coverage is missing: `eros run performance`",
    ),
    "a scheduling table is gone": Breakage(
        sql("drop table forbidding_patterns"),  # no view reads it
        ("objects: scheduling", "schemas: columns of scheduling"),
        "forbidding_patterns is missing: `eros run daily`",
    ),
    "a view of operations is gone": Breakage(
        sql("drop view caption_lock_summary"),
        ("objects: operations", "schemas: columns of operations", "procedures: schedules"),
        "caption_lock_summary is missing",
    ),
    "a view of reporting is gone": Breakage(
        sql("drop view report_days"),
        ("objects: reporting", "schemas: columns of reporting"),
        "report_days is missing",
    ),
    "a view cannot be read": Breakage(
        unreadable_input, ("objects: views answer",), "captions cannot be read"
    ),
    "a function is gone": Breakage(
        sql("drop macro wilson_draw"),
        ("objects: functions exist", "functions: wilson_draw", "performance: wilson_draw"),
        "wilson_draw is missing",
    ),
    "a function is of another kind": Breakage(
        sql("drop macro wilson_sample", "create macro wilson_sample(a, b) as table select 1"),
        ("objects: functions exist", "functions: wilson_sample"),
        "wilson_sample is a table function and should be a function",
    ),
    # 2: functions
    "caption_key_v2 keeps the case": Breakage(
        macro("caption_key_v2", "sha256({first})"),
        ("functions: caption_key_v2",),
        "should be 14277a56629a382a1a4ddff3d37d3228ead2fa8470a086aa5be861b35fd320cd",
    ),
    "caption_key_v2 of NULL is a text": Breakage(
        macro("caption_key_v2", "coalesce({own}, '')"), ("functions: caption_key_v2",), "should be None"
    ),
    "caption_key is another key": Breakage(
        macro("caption_key", "md5({own})"), ("functions: caption_key",), "caption_key('test message') is"
    ),
    "bounds are off by little": Breakage(
        macro("wilson_score_bounds", "struct_pack(lower_bound := ({own}).lower_bound, upper_bound :="
              " ({own}).upper_bound, exploration_bonus := ({own}).exploration_bonus + 2e-9)"),
        ("functions: wilson_score_bounds",),
        "wilson_score_bounds(50, 50).exploration_bonus is",
    ),
    "bounds of NULL are numbers": Breakage(
        macro("wilson_score_bounds", "struct_pack(lower_bound := coalesce(({own}).lower_bound, 0),"
              " upper_bound := ({own}).upper_bound, exploration_bonus := ({own}).exploration_bonus)"),
        ("functions: wilson_score_bounds",),
        "should be None",
    ),
    "a draw is off by little": Breakage(
        macro("wilson_draw", "{own} + 2e-9"), ("functions: wilson_draw",), "wilson_draw(1, 1, 0.5e0) is"
    ),
    "a draw of NULL is a number": Breakage(
        macro("wilson_draw", "coalesce({own}, 0.5)"), ("functions: wilson_draw",), "should be None"
    ),
    "a sample is not random": Breakage(
        macro("wilson_sample", "0.1"), ("functions: wilson_sample",), "only 1 of 1000 samples"
    ),
    "a sample is out of bounds": Breakage(
        macro("wilson_sample", "random()"), ("functions: wilson_sample",), "outside 0.0552"
    ),
    "a uniform number differs in its last bit": Breakage(
        macro("uniform_draw", "{own} + 1.2e-16"), ("functions: uniform_draw",), "uniform_draw('a') is"
    ),
    "a uniform number of NULL": Breakage(
        macro("uniform_draw", "coalesce({own}, 0.5)"), ("functions: uniform_draw",), "should be None"
    ),
    # 3: schemas
    "an input lacks a column": Breakage(
        sql("create table kept as select * exclude (has_urgency) from captions",
            "create or replace view captions as select * from kept"),
        ("schemas: columns of inputs",),
        "captions.has_urgency is missing",
    ),
    "a table of state lacks a column": Breakage(
        sql("alter table automation_alerts drop column acknowledged_by"),
        ("schemas: columns of state", "objects: views answer"),
        "automation_alerts.acknowledged_by is missing",
    ),
    "a table of state has another type": Breakage(
        sql("alter table lock_sweep_log alter sweep_duration_seconds type bigint"),
        ("schemas: columns of state",),
        "lock_sweep_log.sweep_duration_seconds is INT64 and should be FLOAT64",
    ),
    "a seed has another type": Breakage(
        sql("alter table volume_policy alter daily_maximum type double"),
        ("schemas: columns of seeds",),
        "volume_policy.daily_maximum is FLOAT64 and should be INT64",
    ),
    "a staging table lacks a column": Breakage(
        sql(
            "create or replace view stg_captions as"
            " select * exclude (has_urgency) from captions_checked where rejection_reason is null"
        ),
        ("schemas: columns of staging",),
        "stg_captions.has_urgency is missing",
    ),
    "a learning table has another type": Breakage(
        sql("alter table learning_coverage alter outcomes type varchar"),  # no view reads it
        ("schemas: columns of learning",),
        "learning_coverage.outcomes is STRING and should be INT64",
    ),
    "a scheduling table lacks a column": Breakage(
        sql("alter table creator_send_hours rename column hour_lift to lift"),
        ("schemas: columns of scheduling",),
        "creator_send_hours.hour_lift is missing",
    ),
    "a view of operations lacks a column": Breakage(
        sql("create or replace view caption_lock_summary as select 'luna' as page_name"),
        ("schemas: columns of operations",),
        "caption_lock_summary.active_locks is missing",
    ),
    "a view of reporting lacks a column": Breakage(
        sql("create or replace view report_days as select page_name from page_beliefs"),
        ("schemas: columns of reporting",),
        "report_days.planned is missing",
    ),
    "the statistics have a 16th column": Breakage(
        sql("alter table caption_bandit_stats add column extra bigint"),
        ("schemas: columns of caption_bandit_stats",),
        "caption_bandit_stats.extra should not be there",
    ),
    "the statistics are in another order": Breakage(
        reordered, ("schemas: columns of caption_bandit_stats",), "in another order: page_name, caption_id"
    ),
    "the statistics have another type": Breakage(
        sql("alter table caption_bandit_stats alter last_used type date"),
        ("schemas: types of caption_bandit_stats",),
        "caption_bandit_stats.last_used is DATE and should be TIMESTAMP",
    ),
    "a partitioning column is gone": Breakage(
        sql("alter table schedule_export_log rename column export_timestamp to exported_at"),
        ("schemas: partitioning", "schemas: columns of state"),
        "schedule_export_log.export_timestamp is missing, by which BigQuery would partition",
    ),
    "a clustering column is gone": Breakage(
        sql("alter table schedule_export_log rename column status to outcome"),
        ("schemas: clustering", "schemas: columns of state"),
        "schedule_export_log.status is missing, by which BigQuery would cluster",
    ),
    # 4: messages
    "the messages lack a column": Breakage(
        sql("alter table schedule_recommendations_messages drop column day_of_week"),
        ("messages: columns",),
        "schedule_recommendations_messages.day_of_week is missing",
    ),
    "the messages have a 19th column": Breakage(
        sql("alter table schedule_recommendations_messages add column extra bigint"),
        ("messages: columns",),
        "schedule_recommendations_messages.extra should not be there",
    ),
    "the messages have another type": Breakage(
        sql("alter table schedule_recommendations_messages alter total_observations type double"),
        ("messages: types",),
        "schedule_recommendations_messages.total_observations is FLOAT64 and should be INT64",
    ),
    # 5: procedures
    "a schedule cannot be selected": Breakage(
        edit("selectors.yml", "- name: sweep", "- name: sweeping"),
        ("procedures: schedules",),
        "selectors.yml has no sweep",
    ),
    "the selection gives nothing": Breakage(
        sql("create or replace macro select_captions_for_creator(a, b, c, d, e, f) as table"
            " select * from selected_captions where false"),
        ("procedures: select_captions_for_creator",),
        "one caption each of budget",
    ),
    "the selection cannot be called": Breakage(
        sql("create or replace macro select_captions_for_creator(a) as table select * from tier_mix"),
        ("procedures: select_captions_for_creator",),
        "select_captions_for_creator",
    ),
    "messages are counted twice": Breakage(
        sql("update caption_bandit_stats set successes = successes + 1, total_observations ="
            " total_observations + 1 where caption_id = (select min(caption_id) from caption_bandit_stats)"),
        ("procedures: update_caption_performance",),
        "do not count each outcome once",
    ),
    "a pair is not counted": Breakage(
        sql("delete from caption_bandit_stats where caption_id = (select min(caption_id) from"
            " caption_bandit_stats)"),
        ("procedures: update_caption_performance",),
        "do not count each outcome once",
    ),
    "a message was not published": Breakage(
        sql("delete from schedule_recommendations_messages where time_slot_rank = 1"),
        ("procedures: run_daily_automation",),
        "differ from their message",
    ),
    "a message is published without a reason": Breakage(
        sql("delete from schedule_recommendations where time_slot_rank = 1"),
        ("procedures: run_daily_automation",),
        "differ from their message",
    ),
    "a caption has no lock": Breakage(
        sql("delete from active_caption_assignments where caption_id = (select min(caption_id) from"
            " schedule_recommendations)"),
        ("procedures: locking",),
        "have no lock",
    ),
    "a lock outlived the sweep": Breakage(
        sql(a_lock_of("2025-06-14")),
        ("procedures: sweep_expired_caption_locks",),
        "1 locks of days before 2025-06-15 are active",
    ),
    "a sweep does not add up": Breakage(
        sql("update lock_sweep_log set total_locks_cleaned = null"),
        ("procedures: sweep_expired_caption_locks",),
        "sweeps do not add up",
    ),
    # 6: holidays
    "a holiday is missing": Breakage(
        sql("delete from holiday_calendar where holiday_date = '2025-06-19'"),
        ("holidays: the 20 of each year",),
        "Juneteenth 2025 is missing",
    ),
    "a holiday too many": Breakage(
        sql("insert into holiday_calendar values (date '2025-02-02', 'Groundhog Day', 'CULTURAL', false, 1)"),
        ("holidays: the 20 of each year",),
        "Groundhog Day 2025 should not be there",
    ),
    "a holiday is there twice": Breakage(
        sql("insert into holiday_calendar select * from holiday_calendar where holiday_date = '2030-12-25'"),
        ("holidays: the 20 of each year",),
        "Christmas Day 2030 is there twice",
    ),
    "a holiday is on another day": Breakage(
        sql("update holiday_calendar set holiday_date = date '2026-04-06' where holiday_date = '2026-04-05'"),
        ("holidays: dates",),
        "Easter Sunday 2026: holiday_date is 2026-04-06 and should be 2026-04-05",
    ),
    "a holiday is of another type": Breakage(
        sql("update holiday_calendar set holiday_type = null where holiday_date = '2024-07-04'"),
        ("holidays: types",),
        "Independence Day 2024: holiday_type is None and should be FEDERAL",
    ),
    "a major holiday is not": Breakage(
        sql("update holiday_calendar set is_major_holiday = false where holiday_date = '2027-12-25'"),
        ("holidays: major days",),
        "Christmas Day 2027: is_major_holiday is False and should be True",
    ),
    "a holiday has another factor": Breakage(
        sql("update holiday_calendar set saturation_impact_factor = 0.7 where holiday_date = '2028-12-25'"),
        ("holidays: factors",),
        "Christmas Day 2028: saturation_impact_factor is 0.7 and should be 0.6",
    ),
    # 7: time zone
    "the schedules go by another clock": Breakage(
        edit("schedules.yml", "timezone: America/Los_Angeles", "timezone: America/Denver"),
        ("time zone: setting",),
        "schedule performance has America/Denver",
    ),
    "the models go by another clock": Breakage(
        edit("dbt_project.yml", "timezone: America/Los_Angeles", "timezone: America/Denver"),
        ("time zone: setting", "time zone: clocks go forward", "time zone: clocks go back",
         "time zone: published hours"),
        "dbt_project.yml has America/Denver",
    ),
    "the engine is wrong in spring": Breakage(
        shifted(3), ("time zone: clocks go forward",), "2024-03-10T"
    ),
    "the engine is wrong in autumn": Breakage(shifted(11), ("time zone: clocks go back",), "2024-11-03T"),
    "dbt's sessions have the machine's zone": Breakage(
        edit("profiles.yml", "TimeZone: UTC", "Calendar: gregorian"),
        ("time zone: session",),
        "profiles.yml sets no TimeZone",
    ),
    "messages go out an hour late": Breakage(
        sql("update schedule_recommendations set scheduled_send_time = scheduled_send_time + interval 1 hour",
            "update schedule_recommendations_messages set"
            " scheduled_send_time = scheduled_send_time + interval 1 hour"),
        ("time zone: published hours",),
        "another local date or hour",
    ),
    # 8: performance
    **{
        f"{name} is slow": Breakage(
            slow(name), (f"performance: {name}",), "stopped after 6 s", ("--limit", "6")
        )
        for name in ("caption_key_v2", "wilson_score_bounds", "wilson_draw", "uniform_draw")
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKAGES)
def test_what_is_broken_is_what_fails(built, name):
    breakage = BREAKAGES[name]
    breakage.change(built)
    failed = verdicts(built, *breakage.arguments, code=ExitCode.CHECK_FAILED)
    assert set(failed) == set(breakage.fails), json.dumps(failed, indent=2)
    assert breakage.says in failed[breakage.fails[0]]


def test_dbt_asks_the_contents_of_tables_the_same(built):
    """The tests of the tag `verify` are the very SQL of the checks, which plain dbt runs with its hooks."""
    tests = {path.stem for path in (ROOT / "tests/dbt/singular").glob("verified_*.sql")}
    whole = built.dbt("test", "--select", "tag:verify").stdout
    assert len(tests) == 5
    assert set(re.findall(r" PASS (verified_\w+)", whole)) == tests
    for name in ("messages are counted twice", "a message was not published", "a caption has no lock",
                 "a sweep does not add up", "messages go out an hour late"):  # fmt: skip
        BREAKAGES[name].change(built)
    broken = built.dbt("test", "--select", "tag:verify", code=1).stdout
    assert set(re.findall(r" FAIL \d+ (verified_\w+)", broken)) == tests


def test_every_check_is_broken_once():
    """By itself, or as the first of what its breakage takes along. Expiry exists on BigQuery alone."""
    checks = {f"{check.category}: {check.name}" for check in CHECKS}
    assert {breakage.fails[0] for breakage in BREAKAGES.values()} == checks - {
        "schemas: expiry of partitions"
    }


# ---- no database to speak of ----


def test_an_empty_database_fails_and_stops_nothing(project):
    project.execute("select 1")
    failed = set(verdicts(project, code=ExitCode.CHECK_FAILED))
    checks = {f"{check.category}: {check.name}" for check in CHECKS}
    # These need no table: they ask the project's files, or the engine for its clock.
    assert checks - failed == {
        "time zone: setting", "time zone: session", "time zone: clocks go forward",
        "time zone: clocks go back",
    }  # fmt: skip


def test_without_a_database_there_is_nothing_to_verify(project):
    result = project.eros("verify", code=ExitCode.CANNOT_START)
    assert "There is no database" in result.stderr
    assert result.stdout == ""


def test_a_database_in_use_is_waited_for(built):
    holder = "import sys, time, duckdb; c = duckdb.connect(sys.argv[1]); print(1, flush=True); time.sleep(60)"
    other = subprocess.Popen([sys.executable, "-c", holder, str(built.database)], stdout=subprocess.PIPE)
    try:
        other.stdout.readline()
        built.eros("verify", "--wait", "0.2", code=ExitCode.BUSY)
    finally:
        other.kill()
        other.wait()
    with duckdb.connect(str(built.database), read_only=True):
        built.eros("verify", "--wait", "0")


# ---- where the expectations come from ----


@pytest.fixture(scope="module")
def manifest(shared, commands):
    """What dbt itself makes of the project's files."""
    directory = parsed_project(shared, commands)
    return json.loads((directory / "target" / "manifest.json").read_text(encoding="utf-8"))


def test_the_files_are_read_as_dbt_reads_them(manifest):
    declared = Declarations(ROOT, "duckdb")
    models = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    sources = list(manifest["sources"].values())
    assert set(declared.relations) == {node["name"] for node in (*models, *sources)}
    for node in models:
        relation, config = declared.relations[node["name"]], node["config"]
        assert list(relation.columns) == list(node["columns"] or config["column_types"]), node["name"]
        assert relation.is_view == (config["materialized"] == "view"), node["name"]
        assert relation.layout.partition_by == (config.get("partition_by") or {}).get("field"), node["name"]
        assert list(relation.layout.cluster_by) == (config.get("cluster_by") or []), node["name"]
        assert relation.layout.expiration_days == config.get("partition_expiration_days"), node["name"]


def test_the_state_is_declared_as_it_is_described(manifest):
    """The columns of create_operations_tables.sql are those of _sources.yml."""
    declared = Declarations(ROOT, "duckdb")
    described = {
        source["name"]: {name: column["data_type"] for name, column in source["columns"].items()}
        for source in manifest["sources"].values()
        if source["source_name"] == "operations"
    }
    assert {relation.name: relation.columns for relation in declared.group("state")} == described


def test_all_functions_that_are_deployed_are_expected(built):
    deployed = built.query(
        "select function_name as name from duckdb_functions() where schema_name = ?", [SCHEMA]
    )
    assert {row["name"] for row in deployed} == set(Declarations(ROOT, "duckdb").routines)


def test_what_cannot_be_read_is_told_in_one_sentence(built):
    (built.directory / "seeds" / "holiday_calendar.csv").unlink()
    failed = verdicts(built, code=ExitCode.CHECK_FAILED)
    assert "holiday_calendar.csv cannot be read" in failed["holidays: dates"]
    (built.directory / "models" / "staging" / "_sources.yml").write_text("}", encoding="utf-8")
    failed = verdicts(built, code=ExitCode.CHECK_FAILED)
    assert "_sources.yml is not valid YAML" in failed["objects: inputs"]
