"""`eros backup`, `eros restore` and `eros rollback` on real DuckDB files."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from eros_dbt_runner.backup.audit import AUDIT_LOG
from eros_dbt_runner.backup.dependants import dependants
from eros_dbt_runner.backup.files import COPY, RECORD
from eros_dbt_runner.declarations.owned_objects import history_tables, ours_among, owned_objects
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.warehouse.duckdb_file import DuckDbWarehouse
from eros_dbt_runner.warehouse.lock import Deadline
from tests.python.harness import SCHEMA, Project, Result, Row, run_arguments

INPUTS = ("mass_messages", "caption_bank", "captions", "creator_caption_restrictions")
KILLS = 12
# Somebody else's: in another schema, in ours, under an input's name, a view over ours, a function.
FOREIGN = """
    create schema reports;
    create table reports.notes as select 1 as id, 'mine' as note;
    create table somebodys_table as select 2 as id;
    create view reports.best as select * from eros_scheduling_brain.caption_bandit_stats;
    create macro somebodys_function(a) as a + 1;
    create table kept_input as select * from caption_bank;
    drop view caption_bank;
    alter table kept_input rename to caption_bank;
"""


def objects(project: Project) -> set[tuple[str, str]]:
    with DuckDbWarehouse(project.database, Deadline(5), lambda _: None) as tables:
        return tables.objects()


def ours(project: Project) -> set[tuple[str, str]]:
    return ours_among(objects(project), owned_objects(project.directory))


def content(project: Project) -> dict[str, list[Row]]:
    """Every row of every table of ours that a restore brings back."""
    tables = sorted(name for name, kind in ours(project) if kind == "table" and name != AUDIT_LOG)
    return {name: project.table(name) for name in tables}


def definitions(project: Project) -> list[Row]:
    """The columns, types and constraints of every table of ours."""
    names = [name for name, kind in ours(project) if kind == "table"]
    return project.query(
        "select table_name, sql from duckdb_tables() where list_contains(?, table_name) order by all", [names]
    )


def foreign(project: Project) -> dict[str, list[Row]]:
    return {
        name: project.table(name)
        for name in ("reports.notes", "somebodys_table", "caption_bank", "mass_messages")
    }


def backup(project: Project, *arguments: str) -> Row:
    return project.eros("backup", *arguments, "--json").json


def listed(project: Project) -> list[Row]:
    return project.eros("backup", "list", "--json").json


def change(project: Project) -> None:
    """Rows deleted, changed and added, a table dropped, another one with a new column."""
    for statement in (
        "delete from caption_bandit_stats where caption_id % 2 = 0",
        "update active_caption_assignments set is_active = not is_active",
        "insert into etl_job_runs (job_id, job_status) values ('strange', 'RUNNING')",
        "drop table creator_day_plan",
        "alter table page_beliefs add column surprise int",
    ):
        project.execute(statement)


def said(result: Result) -> str:
    [line] = result.stderr.splitlines()
    return line.removeprefix("eros: ")


def typed(project: Project, *arguments: str, text: str) -> subprocess.CompletedProcess:
    """A command whose question is answered with `text`."""
    return subprocess.run(
        [sys.executable, "-m", "eros_dbt_runner.cli", *arguments], input=text,
        env={**os.environ, "EROS_PROJECT_DIR": str(project.directory)}, cwd=project.directory,
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


# ---- backup ----


def test_a_backup_is_listed_with_what_it_holds(built):
    made = backup(built, "--name", "before-migration")
    rows = {name: len(found) for name, found in content(built).items()} | {AUDIT_LOG: 0}
    assert made["rows_by_table"] == rows
    assert (made["tables"], made["rows"]) == (len(rows), sum(rows.values()))
    assert (made["name"], made["made_by"]) == ("before-migration", "backup")
    folder = built.directory / "backups" / made["id"]
    assert made["bytes"] == (folder / COPY).stat().st_size
    again = backup(built)
    assert [found["id"] for found in listed(built)] == [again["id"], made["id"]]
    assert listed(built)[1] == {key: value for key, value in made.items() if key != "deleted"}
    text = built.eros("backup", "list").stdout
    assert made["id"] in text
    assert "before-migration" in text


def test_keep_deletes_the_oldest(built):
    ids = [backup(built)["id"] for _ in range(3)]
    last = backup(built, "--keep", "2")
    assert sorted(last["deleted"]) == ids[:2]
    assert [found["id"] for found in listed(built)] == [last["id"], ids[2]]
    assert sorted(path.name for path in (built.directory / "backups").iterdir()) == [ids[2], last["id"]]


def test_the_file_stays_locked_while_it_is_copied_and_afterwards(built, tmp_path):
    """Closing a second descriptor of the file would take DuckDB's lock off it."""
    code = f"import duckdb; duckdb.connect({str(built.database)!r})"
    with DuckDbWarehouse(built.database, Deadline(0), lambda _: None, read_only=False) as tables:
        tables.copy_file(tmp_path / "copy.duckdb")
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert "Could not set lock on file" in other.stderr
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_backup_waits_for_who_has_the_database_and_then_gives_up(built):
    holder = duckdb.connect(str(built.database))
    for arguments in (("backup",), ("rollback", "--all", "--yes")):
        result = built.eros(*arguments, "--wait", "0.3", code=ExitCode.BUSY)
        assert "gave up after waiting 0.3 s" in result.stderr
    child = built.start("backup", "--wait", "60")
    child.wait_for("waiting: ")
    holder.close()
    assert child.wait().code == 0
    assert len(listed(built)) == 1


def test_backup_restore_and_rollback_stay_out_of_a_run(built):
    made = backup(built)
    run = built.start(*run_arguments("performance"))
    run.wait_for("message_outcomes")
    run.kill(signal.SIGSTOP)  # else it may be over before the three have asked
    try:
        for arguments in (("backup",), ("restore", made["id"], "--yes"), ("rollback", "--all", "--yes")):
            result = built.eros(*arguments, "--wait", "0", code=ExitCode.BUSY)
            assert "in progress" in result.stderr or "has it open" in result.stderr
    finally:
        run.kill(signal.SIGCONT)
    assert run.wait().code == 0
    assert listed(built) == [{key: value for key, value in made.items() if key != "deleted"}]


def test_a_backup_that_finds_no_room_leaves_nothing(built):
    """The limit on the size of a file stands for the end of the disk: the same error of the system."""
    command = f"ulimit -f 1000; exec {sys.executable} -m eros_dbt_runner.cli backup"
    env = {**os.environ, "EROS_PROJECT_DIR": str(built.directory)}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True)
    assert result.returncode == ExitCode.RUN_FAILED
    folder = built.directory / "backups"
    assert result.stderr == f"eros: The backup cannot be written to {folder}: File too large.\n"
    assert list(folder.iterdir()) == []
    assert len(backup(built)["rows_by_table"]) > 20


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(built):
    (built.directory / "backups").write_text("a file")
    result = built.eros("backup", code=ExitCode.RUN_FAILED)
    assert said(result).startswith(f"The backup cannot be written to {built.directory / 'backups'}: ")


def test_a_copy_that_lacks_rows_is_not_kept(built, monkeypatch):
    from eros_dbt_runner.backup.files import FileStore
    from eros_dbt_runner.errors import ErosError

    def copy_and_lose(self: DuckDbWarehouse, to: Path) -> None:
        shutil.copyfile(built.database, to)
        with duckdb.connect(str(to)) as copy:
            copy.execute(f"delete from {SCHEMA}.holiday_calendar where is_major_holiday")

    monkeypatch.setattr(DuckDbWarehouse, "copy_file", copy_and_lose)
    store = FileStore(built.directory / "backups")
    with (
        DuckDbWarehouse(built.database, Deadline(0), lambda _: None) as tables,
        pytest.raises(ErosError, match="lacks rows of holiday_calendar; it was not kept"),
    ):
        store.create(tables, ["holiday_calendar", "tier_mix"], None, "backup")
    assert list((built.directory / "backups").iterdir()) == []


def test_only_backups_are_deleted_and_only_ones_own(built):
    """Two databases may share the folder, and people keep other things in it."""
    folder = built.directory / "backups"
    foreign = {
        ".git.bak/HEAD": "ref", ".ssh/id": "key", ".20250101_000000.notes/a": "b",
        "20200101_000000/photo.jpg": "face", "2023-exports/mass_messages.parquet": "rows",
    }  # fmt: skip
    for name, content_of in foreign.items():
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(content_of)
    first = backup(built)["id"]
    record = folder / first / "backup.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "database": "/elsewhere/x.duckdb"}))
    second = backup(built)["id"]
    (folder / second / "why.txt").write_text("before the audit")
    killed = folder / ".20200102_000000.99999999"
    killed.mkdir()
    (killed / "eros.duckdb").write_bytes(b"half")
    third = json.loads(built.eros("backup", "--keep", "1", "--json").stdout)
    assert third["deleted"] == [second]
    assert {path.name for path in folder.iterdir()} == (
        {name.split("/")[0] for name in foreign} | {first, second, third["id"]}
    )
    assert [path.name for path in (folder / second).iterdir()] == ["why.txt"]
    listed = json.loads(built.eros("backup", "list", "--json").stdout)
    assert [made["id"] for made in listed] == [third["id"], first]


def test_nothing_to_back_up_is_said(project):
    assert "There is no database" in said(project.eros("backup", code=ExitCode.CANNOT_START))
    project.execute("create table mine (a int)")
    assert "There is nothing to back up yet" in said(project.eros("backup", code=ExitCode.CANNOT_START))
    assert project.eros("backup", "list").stdout == "There is no backup yet; `eros backup` makes one.\n"


@pytest.mark.slow
def test_a_backup_killed_at_any_moment_leaves_no_half_one(built):
    """Half of the kills are aimed at the copying, the others at anywhere."""
    before = content(built)
    chance = random.Random(1)
    began = time.monotonic()
    backup(built)
    usual = time.monotonic() - began
    folder = built.directory / "backups"
    drafts = 0
    for number in range(KILLS):
        child = built.start("backup")
        if number % 2:
            while child._process.is_alive() and not list(folder.glob(".*")):
                time.sleep(0.001)
            child.kill(after=chance.uniform(0, usual / 8))
        else:
            child.kill(after=chance.uniform(0, usual))
        child.wait()
        drafts += len(list(folder.glob(".*"))) > 0
        for found in listed(built):
            with DuckDbWarehouse(folder / found["id"] / COPY, Deadline(0), lambda _: None) as tables:
                assert tables.row_counts(found["rows_by_table"]) == found["rows_by_table"]
    assert drafts >= 2
    assert content(built) == before
    last = backup(built)
    assert listed(built)[0]["id"] == last["id"]
    assert not list(folder.glob(".*"))


# ---- restore ----


def test_restoring_brings_back_every_row_and_nothing_of_others(built):
    built.execute(FOREIGN)
    before, schema = content(built), definitions(built)
    made = backup(built)
    change(built)
    built.execute("update reports.notes set note = 'newer'")
    built.execute("delete from caption_bank where caption_id % 2 = 0")
    built.execute(f"create table {SCHEMA}.alert_deliveries_of_others as select 1 as id")
    changed, others = content(built), foreign(built)
    assert changed != before

    result = built.eros("restore", made["id"][:13], "--yes", "--json").json

    assert content(built) == before
    assert definitions(built) == schema
    assert foreign(built) == others
    assert ("alert_deliveries_of_others", "table") in objects(built)
    assert result["rows_by_table"] | {AUDIT_LOG: 0} == made["rows_by_table"], "audit_log is not taken back"
    safety = listed(built)[0]
    assert (safety["id"], safety["made_by"]) == (result["backup"], "restore")
    built.eros("restore", result["backup"], "--yes")
    assert content(built) == changed
    built.eros("restore", made["id"], "--yes")
    assert built.run("daily").json["status"] == "SUCCESS"
    assert built.run("performance").json["status"] == "SUCCESS"


def test_a_table_of_ours_that_the_backup_has_not_is_dropped(built):
    built.execute("create table copy_of_it as from lock_sweep_log")
    built.execute("drop table lock_sweep_log")
    made = backup(built)
    built.execute("alter table copy_of_it rename to lock_sweep_log")
    result = built.eros("restore", made["id"], "--yes")
    assert "dropped, because the backup has none: lock_sweep_log" in result.stdout
    assert ("lock_sweep_log", "table") not in objects(built)
    built.run("sweep")
    assert ("lock_sweep_log", "table") in objects(built)


def test_a_view_where_the_backup_has_a_table_makes_way(built):
    made, before = backup(built), content(built)
    built.execute("drop table tier_mix")
    built.execute("create view tier_mix as select 1 as one")
    built.eros("restore", made["id"], "--yes")
    assert content(built) == before


def test_one_table_alone_is_restored(built):
    before = content(built)
    made = backup(built)
    change(built)
    changed = content(built)
    built.eros("restore", made["id"], "--table", " Creator_Day_Plan ", "--yes")
    assert content(built) == {**changed, "creator_day_plan": before["creator_day_plan"]}
    for name in ("mass_messages", "nosuch", "health_checks", "x; drop table tier_mix"):
        result = built.eros("restore", made["id"], "--table", name, "--yes", code=ExitCode.USAGE)
        assert said(result).startswith(f"Backup {made['id']} has no table {name!r} of EROS")


def test_restoring_wants_its_id_typed(built):
    before = content(built)
    made = backup(built)
    change(built)
    for text in ("", "yes\n", "\n"):
        refused = typed(built, "restore", made["id"], text=text)
        assert refused.returncode == ExitCode.USAGE
        assert f"{made['id']} was not typed and --yes not given: nothing was done." in refused.stderr
    assert content(built) != before
    assert len(listed(built)) == 1
    assert typed(built, "restore", made["id"], text=f"{made['id']}\n").returncode == 0
    assert content(built) == before


@pytest.mark.parametrize("wanted", ["19990101_000000", "2", "../eros"])
def test_an_id_that_names_no_backup_or_two_is_refused(built, wanted):
    backup(built)
    backup(built)
    result = built.eros("restore", wanted, "--yes", code=ExitCode.USAGE)
    assert "an id that begins with" in said(result)


def test_a_damaged_copy_is_refused_and_the_database_stays(built):
    made, before = backup(built), content(built)
    folder = built.directory / "backups" / made["id"]
    with duckdb.connect(str(folder / COPY)) as copy:
        copy.execute(f"delete from {SCHEMA}.tier_mix")
        copy.execute("checkpoint")
    record = (folder / RECORD).read_text()
    size = (folder / COPY).stat().st_size
    (folder / RECORD).write_text(re.sub(r'"bytes": \d+', f'"bytes": {size}', record))
    result = built.eros("restore", made["id"], "--yes", code=ExitCode.RUN_FAILED)
    assert "does not hold the rows that it should" in result.stderr
    assert content(built) == before
    (folder / COPY).write_bytes((folder / COPY).read_bytes()[:5000])
    assert made["id"] not in {found["id"] for found in listed(built)}


def test_a_lost_file_comes_back_whole(built):
    built.execute(FOREIGN)
    made, before, others = backup(built), content(built), foreign(built)
    built.database.unlink()
    log = built.database.with_name("eros.duckdb.wal")
    log.write_bytes(b"what was left of the lost file")
    result = built.eros("restore", made["id"], "--table", "tier_mix", "--yes", code=ExitCode.CANNOT_START)
    assert "leave --table out" in said(result)
    built.eros("restore", made["id"], "--yes")
    assert (content(built), foreign(built)) == (before, others)
    assert not log.exists() or b"what was left" not in log.read_bytes()
    [noted] = built.table(AUDIT_LOG)
    assert (noted["command"], noted["rows"]) == ("restore", 0)
    assert built.run("daily").json["status"] == "SUCCESS"


@pytest.mark.slow
def test_a_restore_killed_at_any_moment_leaves_the_old_state_or_the_new(built):
    before = content(built)
    made = backup(built)
    change(built)
    changed = content(built)
    chance = random.Random(2)
    template = built.directory / "changed.duckdb"
    shutil.copyfile(built.database, template)
    began = time.monotonic()
    built.eros("restore", made["id"], "--yes")
    usual = time.monotonic() - began
    ends = []
    for _ in range(KILLS):
        built.database.with_name("eros.duckdb.wal").unlink(missing_ok=True)
        shutil.copyfile(template, built.database)
        known = len(listed(built))
        child = built.start("restore", made["id"], "--yes")
        while child._process.is_alive() and len(list((built.directory / "backups").glob("2*"))) == known:
            time.sleep(0.001)  # the restore proper begins after its own backup
        child.kill(after=chance.uniform(0, usual / 3))
        child.wait()
        now = content(built)
        assert now in (changed, before)
        ends.append(now == before)
    assert set(ends) == {False, True}, "every kill came too early, or too late"
    assert built.run("daily").json["status"] == "SUCCESS"


# ---- rollback ----


@pytest.mark.slow
def test_everything_is_dropped_but_what_others_own_and_deploys_again(built):
    built.run("sweep")
    built.execute(FOREIGN)
    before, everything, others = content(built), objects(built), foreign(built)
    mine = ours(built)
    assert mine == set(owned_objects(built.directory).items())
    mine.remove((AUDIT_LOG, "table"))

    result = built.eros("rollback", "--all", "--yes", "--json").json

    assert {(drop["name"], drop["kind"]) for drop in result["drops"]} == mine
    assert {drop["name"] for drop in result["drops"] if drop["only_copy"]} == (
        history_tables(built.directory) - {AUDIT_LOG}
    )
    assert objects(built) == everything - mine
    assert {name for name, _ in objects(built)} >= set(INPUTS)
    assert foreign(built) == others
    [broken] = result["broken"]
    assert broken == {"name": "reports.best", "kind": "view", "reads": ["caption_bandit_stats"]}
    assert listed(built)[0] == {
        **listed(built)[0], "id": result["backup"], "made_by": "rollback",
        "rows_by_table": {name: len(rows) for name, rows in before.items()} | {AUDIT_LOG: 0},
    }  # fmt: skip
    for schedule in ("performance", "daily", "sweep"):
        assert built.run(schedule).json["status"] == "SUCCESS"
    assert objects(built) == everything
    for name in ("caption_bandit_stats", "message_outcomes", "schedule_recommendations_messages"):
        assert built.table(name) == before[name]
    assert foreign(built) == others
    built.eros("restore", result["backup"], "--yes")
    assert content(built) == before


@pytest.mark.slow
def test_one_object_of_each_kind_is_dropped_and_made_again(built):
    everything, before = objects(built), content(built)
    for name, kind in (
        ("creator_day_plan", "table"),
        ("caption_scores", "view"),
        ("tier_mix", "table"),
        ("uniform_draw", "function"),
        ("select_captions_for_creator", "table function"),
        ("active_caption_assignments", "table"),
    ):
        there = objects(built)
        result = built.eros("rollback", name, "--yes")
        assert objects(built) == there - {(name, kind)}
        assert f"dropped {name}; " in result.stdout
        assert built.eros("rollback", name, "--yes").stdout == (
            "Nothing of that is in the database: there is nothing to drop.\n"
        )
    built.run("performance")
    assert built.run("daily").json["status"] == "SUCCESS"
    assert objects(built) == everything
    for name in ("creator_day_plan", "tier_mix", "schedule_recommendations"):
        assert built.table(name) == before[name]


def test_who_reads_a_dropped_object_is_told(built):
    built.execute("create schema reports")
    built.execute("create view reports.best as select * from eros_scheduling_brain.caption_scores")
    text = built.eros("rollback", "schedulable_captions", "--dry-run").stdout
    assert "view caption_scores (reads" in text
    assert "view reports.best (reads caption_scores)" in text
    assert "table function select_captions_for_creator (reads" in text


def test_a_dry_run_drops_nothing_and_keeps_nothing(built):
    before = objects(built)
    plan = built.eros("rollback", "--all", "--dry-run", "--json").json
    assert len(plan["drops"]) == len(ours(built)) - 1
    assert (plan["dry_run"], plan["backup"]) == (True, None)
    assert "tier_mix" in built.eros("rollback", "tier_mix", "--dry-run").stdout
    assert objects(built) == before
    assert listed(built) == []


def test_what_is_not_ours_is_never_dropped(built):
    built.execute(FOREIGN)
    before, others = objects(built), foreign(built)
    names = ("somebodys_table", "somebodys_function", "reports.notes", "nosuch", 'tier_mix"; drop table x')
    for name in (*INPUTS, *names):
        result = built.eros("rollback", name, "--yes", code=ExitCode.USAGE)
        assert said(result).startswith(f"{name!r} is not an object that EROS makes, and stays;")
    assert (objects(built), foreign(built)) == (before, others)


def test_what_others_made_under_a_name_of_ours_is_not_ours(built):
    built.execute("drop macro caption_key")
    built.execute("create table caption_key as select 'theirs' as value")
    before = objects(built)
    result = built.eros("rollback", "caption_key", "--yes")
    assert "there is nothing to drop" in result.stdout
    assert objects(built) == before


def test_a_rollback_wants_the_name_typed(built):
    before = objects(built)
    for arguments, wrong in ((("tier_mix",), "tier\n"), (("--all",), "all\n"), (("--all",), "")):
        refused = typed(built, "rollback", *arguments, text=wrong)
        assert refused.returncode == ExitCode.USAGE
        assert "nothing was done" in refused.stderr
    assert (objects(built), listed(built)) == (before, [])
    assert typed(built, "rollback", "tier_mix", text="tier_mix\n").returncode == 0
    assert objects(built) == before - {("tier_mix", "table")}
    assert typed(built, "rollback", "--all", text=f"{SCHEMA}\n").returncode == 0
    assert ours(built) == {(AUDIT_LOG, "table")}, "which tells of it"


@pytest.mark.parametrize("arguments", [(), ("tier_mix", "--all")])
def test_one_object_or_all_must_be_said(built, arguments):
    result = built.eros("rollback", *arguments, code=ExitCode.USAGE)
    assert said(result) == "Name one object, or give --all."


@pytest.mark.parametrize("name", ["Big", "two words", "x" * 61, "a'b"])
def test_a_name_that_bigquery_could_not_keep_is_refused(project, name):
    result = project.eros("backup", "--name", name, code=ExitCode.USAGE)
    assert said(result).startswith("--name takes letters a-z")


# ---- who reads what ----


@pytest.mark.parametrize(
    ("sql", "reads"),
    [
        ("select * from s.t", ["t"]),
        ("CREATE VIEW v AS SELECT x FROM (s.a INNER JOIN s.t ON (true))", ["t"]),
        ("select * from `p`.`s`.`t` as t", ["t"]),
        ("select * from `p.s.t`", ["t"]),
        ('select * from "t"', ["t"]),
        ("select a.t, t from s.a", []),
        ("select * from s.t2", []),
        ("select s.f(1)", ["f"]),
        ("select `p.s.f`(1)", ["f"]),
        ("select f from s.a", []),
        ("select t(1) from s.f", []),
        (None, []),
    ],
)
def test_readers_are_found_by_their_sql(sql, reads):
    found = dependants([{"name": "v", "kind": "view", "sql": sql}], {("t", "table"), ("f", "function")})
    assert [row["reads"] for row in found] == ([reads] if reads else [])


def test_readers_of_readers_are_found_and_what_is_dropped_too_is_left_out():
    rows = [
        {"name": "v", "kind": "view", "sql": "select * from s.t"},
        {"name": "other.w", "kind": "view", "sql": "select * from s.v"},
        {"name": "x", "kind": "view", "sql": "select * from other.w"},
        {"name": "d", "kind": "view", "sql": "select * from s.t"},
    ]
    found = dependants(rows, {("t", "table"), ("d", "view")})
    assert [(row["name"], row["reads"]) for row in found] == [
        ("other.w", ["v"]), ("v", ["t"]), ("x", ["w"])
    ]  # fmt: skip


# ---- who did it ----


def test_what_destroys_leaves_a_row_that_it_does_not_take_back(built):
    """Also where the table is not there yet, and in a backup that was made before."""
    built.execute("drop table audit_log")
    made = backup(built)
    rows = {name: len(found) for name, found in content(built).items()}
    built.eros("rollback", "caption_bandit_stats", "--yes")
    refused = built.eros("rollback", "audit_log", "--yes", code=ExitCode.USAGE)
    assert "tells what rollbacks and restores have taken away, and stays" in said(refused)
    built.eros("restore", made["id"], "--yes")
    built.eros("rollback", "--all", "--dry-run")
    first, second = built.query('select * from audit_log order by "at"')
    assert (first["command"], first["what"]) == ("rollback", "caption_bandit_stats")
    assert first["rows"] == rows["caption_bandit_stats"] > 0
    assert first["who"]
    assert second["command"] == "restore"
    assert second["what"].startswith(f"backup {made['id']} in the place of active_caption_assignments, ")
    assert second["rows"] == sum(rows.values()) - rows["caption_bandit_stats"]
    assert first["audit_id"] != second["audit_id"]
    refused = built.eros("restore", made["id"], "--table", "audit_log", "--yes", code=ExitCode.USAGE)
    assert "has no table 'audit_log'" in said(refused)
    built.eros("rollback", "--all", "--yes")
    assert [row["command"] for row in built.query('select command from audit_log order by "at"')] == [
        "rollback", "restore", "rollback",
    ]  # fmt: skip
    built.run("performance")
    assert len(built.table("audit_log")) == 3
