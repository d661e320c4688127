"""`eros backup`, `eros restore` and `eros rollback` on BigQuery's emulator.

The emulator lists tables without their labels, and knows `create snapshot table … clone …` and
`create table … clone …` without the clauses and the OR REPLACE that the commands send. `EmulatedDdl`
sends what it knows and does the rest by the API; what was to be sent is analysed by GoogleSQL. The
text of a view is what it does not give at all.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from operator import attrgetter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from zetasql import types

from eros_dbt_runner.backup.audit import AUDIT_LOG
from eros_dbt_runner.cli import cli
from eros_dbt_runner.declarations.owned_objects import ours_among, owned_objects
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.warehouse.bigquery import BigQueryWarehouse
from tests.python.emulator import PROJECT, Emulator, running
from tests.python.googlesql import GoogleSql
from tests.python.harness import SCHEMA, Project, Row, parsed_project
from tests.python.test_bigquery_sql import problems

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

SNAPSHOT = re.compile(
    r"(create snapshot table (\S+) clone \S+) for system_time as of timestamp '\S+'"
    r" options \(expiration_timestamp = timestamp '(\S+)', labels = (\[.*\])\)"
)
CLONE = re.compile(r"create or replace (table (\S+) clone \S+) options \(.*\)")
INPUTS = {"mass_messages", "caption_bank", "captions", "creator_caption_restrictions"}


@dataclass
class EmulatedDdl:
    """Stands before the emulator; `sent` is what was to be sent. `fails_at` refuses a statement."""

    sent: list[str] = field(default_factory=list)
    fails_at: str | None = None
    expires: dict[str, datetime] = field(default_factory=dict)

    def listed(self, warehouse: BigQueryWarehouse) -> list:
        """What a listing would give; the emulator gives no expiry at all."""
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(warehouse.client.get_table, map(reference, REAL_LISTED(warehouse))))
        for table in found:
            table.expires = self.expires.get(table.table_id)
        return found

    def rows(self, warehouse: BigQueryWarehouse, sql: str, *rest, **more) -> list[Row]:
        self.sent.append(sql)
        if self.fails_at and self.fails_at in sql:
            raise ErosError("The query failed: refused by the test.", ExitCode.RUN_FAILED)
        if found := SNAPSHOT.fullmatch(sql):
            given = REAL_ROWS(warehouse, found[1])
            table = warehouse.client.get_table(found[2].strip("`"))
            table.labels = dict(ast.literal_eval(found[4]))
            warehouse.client.update_table(table, ["labels"])
            self.expires[table.table_id] = datetime.fromisoformat(found[3])
            return given
        if found := CLONE.fullmatch(sql):
            REAL_ROWS(warehouse, f"drop table if exists {found[2]}")
            return REAL_ROWS(warehouse, f"create {found[1]}")
        if sql.startswith("drop snapshot table if exists"):
            return self._drop_snapshot(warehouse, sql)
        return REAL_ROWS(warehouse, sql, *rest, **more)

    @staticmethod
    def _drop_snapshot(warehouse: BigQueryWarehouse, sql: str) -> list[Row]:
        """The emulator does not heed IF EXISTS here."""
        try:
            return REAL_ROWS(warehouse, sql)
        except ErosError as error:
            if "not found" not in str(error).lower():
                raise
            return []


reference = attrgetter("reference")
REAL_ROWS, REAL_LISTED = BigQueryWarehouse.rows, BigQueryWarehouse.listed


@dataclass(frozen=True)
class Site:
    """A project whose tables are on an emulator, and its commands, in this process."""

    project: Project
    emulator: Emulator
    ddl: EmulatedDdl

    def eros(self, *arguments: str, code: int = 0, text: str | None = None) -> Result:
        result = CliRunner().invoke(
            cli, [*arguments, "--target", "emulator"], input=text, standalone_mode=False
        )
        if isinstance(result.exception, ErosError):
            assert result.exception.code == code, result.exception
            return result
        assert result.exception is None, result.exception
        assert (result.return_value or 0) == code, result.output
        return result

    def json(self, *arguments: str) -> dict:
        return json.loads(self.eros(*arguments, "--json").stdout)

    def run(self, schedule: str) -> dict:
        return self.project.run(schedule, "--target", "emulator", env=self.emulator.env).json

    def warehouse(self) -> BigQueryWarehouse:
        from eros_dbt_runner.project import Project as Files

        return BigQueryWarehouse(Files.locate().find_target("emulator").settings())

    def objects(self) -> set[tuple[str, str]]:
        return {found for found in self.warehouse().objects() if found[1] != "snapshot"}

    def ours(self) -> set[tuple[str, str]]:
        return ours_among(self.objects(), owned_objects(self.project.directory))

    def snapshots(self) -> set[str]:
        return {name for name, kind in self.warehouse().objects() if kind == "snapshot"}

    def content(self) -> dict[str, list[Row]]:
        names = sorted(name for name, kind in self.ours() if kind == "table" and name != AUDIT_LOG)
        return {name: sorted(self.emulator.query(f"select * from {name}"), key=str) for name in names}


@pytest.fixture(scope="module")
def ready(tmp_path_factory, shared: Path, commands) -> Iterator[tuple[Project, Emulator]]:
    """A project whose schedules have run once on an emulator."""
    folder = tmp_path_factory.mktemp("bigquery_backup")
    project = Project(parsed_project(shared, commands), commands).clone(folder / "project")
    project.make_sample(pages=3, captions=600, messages=600)
    (folder / "home").mkdir()
    with running(folder / "home") as emulator:
        emulator.load(project.data_dir)
        emulator.query(f"create table {SCHEMA}.somebodys_table as select 1 as id")
        emulator.make_procedure("somebodys_procedure")
        for schedule in ("performance", "daily", "sweep"):
            project.run(schedule, "--target", "emulator", env=emulator.env)
        emulator.query(f"create view {SCHEMA}.theirs as select * from {SCHEMA}.caption_bandit_stats")
        yield project, emulator


@pytest.fixture
def site(ready, monkeypatch) -> Site:
    project, emulator = ready
    ddl = EmulatedDdl()
    monkeypatch.setattr(BigQueryWarehouse, "rows", lambda *given, **more: ddl.rows(*given, **more))
    monkeypatch.setattr(BigQueryWarehouse, "listed", lambda warehouse: ddl.listed(warehouse))
    monkeypatch.setenv("EROS_PROJECT_DIR", str(project.directory))
    monkeypatch.setenv("EROS_BIGQUERY_ENDPOINT", emulator.endpoint)
    return Site(project, emulator, ddl)


def test_backup_change_and_restore_bring_back_every_row(site, record_property):
    before, others = site.content(), site.objects() - site.ours()
    made = site.json("backup", "--name", "before-migration")
    assert made["rows_by_table"] == {name: len(rows) for name, rows in before.items()} | {AUDIT_LOG: 0}
    assert made["bytes"] is None
    left = datetime.fromisoformat(made["expires_at"].replace("Z", "+00:00")) - datetime.now(timezone.utc)
    assert timedelta(days=89) < left <= timedelta(days=90)
    site.emulator.query("delete from caption_bandit_stats where mod(caption_id, 2) = 0")
    site.emulator.query("update active_caption_assignments set is_active = not is_active where true")
    site.emulator.query(f"drop table {SCHEMA}.creator_day_plan")
    site.emulator.query(f"drop table {SCHEMA}.tier_mix")
    site.emulator.query(f"create view {SCHEMA}.tier_mix as select 1 as one")
    changed = site.content()
    assert changed != before

    done = site.json("restore", made["id"], "--yes")

    assert site.content() == before
    assert site.objects() - site.ours() == others
    listed = site.json("backup", "list")
    assert [(row["id"], row["made_by"], row["name"]) for row in listed[:2]] == [
        (done["backup"], "restore", None),
        (made["id"], "backup", "before-migration"),
    ]
    assert {key: value for key, value in made.items() if key != "deleted"} == listed[1]
    site.eros("restore", done["backup"], "--table", "creator_day_plan", "--yes", code=ExitCode.USAGE)
    site.eros("restore", done["backup"], "--table", "caption_bandit_stats", "--yes")
    assert site.content() == {**before, "caption_bandit_stats": changed["caption_bandit_stats"]}
    site.eros("restore", made["id"], "--yes")
    noted = site.emulator.query("select * from audit_log order by `at`")
    assert [(row["command"], row["what"][:29]) for row in noted] == [
        ("restore", f"backup {backup} in the") for backup in (made["id"], done["backup"], made["id"])
    ]
    assert noted[1]["rows"] == len(before["caption_bandit_stats"])
    assert site.run("daily")["status"] == "SUCCESS"
    site.json("backup", "--keep", "1")
    checked = analyse_statements(site, [row["id"] for row in listed])
    record_property("checked", f"{checked} statements of backups by GoogleSQL's analyser")


def analyse_statements(site: Site, backups: list[str]) -> int:
    """Analyse what creates and drops; gives how many statements that was."""
    sent = [sql for sql in site.ddl.sent if sql.startswith(("create", "drop"))]
    for kind in ("create snapshot table", "create or replace table", "drop snapshot table", "drop view"):
        assert any(sql.startswith(kind) for sql in sent), kind
    expiring = [sql for sql in sent if sql.endswith("partition_expiration_days = 90)")]
    assert any("caption_bandit_stats" in sql for sql in expiring)
    tables = {name: {"any_column": "INT64"} for name, kind in site.ours() if kind == "table"}
    snapshots = [f"backup_{backup}_{name}" for backup in backups for name in tables]
    analyser = GoogleSql(tables | {name: {"any_column": "INT64"} for name in snapshots})
    features = analyser.options.language_options.enabled_language_features
    features.append(types.LanguageFeature.FEATURE_CREATE_TABLE_CLONE)  # BigQuery has it
    assert problems(analyser, sent) == []
    assert problems(analyser, [sent[0].replace(" clone ", " copy_of ")])
    return len(sent)


def test_a_backup_that_breaks_off_is_not_listed_and_keep_deletes(site):
    known = [row["id"] for row in site.json("backup", "list")]
    snapshots = site.snapshots()
    site.ddl.fails_at = "clone `of-scheduler-proj.eros_scheduling_brain.tier_mix`"
    assert "refused" in str(site.eros("backup", code=ExitCode.RUN_FAILED).exception)
    assert site.snapshots() == snapshots
    site.ddl.fails_at = None
    made = site.json("backup")
    name = f"{PROJECT}.{SCHEMA}.backup_{made['id']}_tier_mix"
    REAL_ROWS(site.warehouse(), f"drop snapshot table `{name}`")  # as if killed before it was made
    assert [row["id"] for row in site.json("backup", "list")] == known
    last = site.json("backup", "--keep", "1")
    assert sorted(last["deleted"]) == sorted(known)
    assert [row["id"] for row in site.json("backup", "list")] == [last["id"]]


def test_a_run_elsewhere_keeps_restore_and_rollback_back(site):
    made = site.json("backup")
    for hours, code in ((1, ExitCode.BUSY), (7, 0)):
        began = datetime.now(timezone.utc) - timedelta(hours=hours)
        site.emulator.query(
            "insert into etl_job_runs (job_id, job_name, job_start_time, job_status) values"
            f" ('elsewhere', 'daily', timestamp '{began:%Y-%m-%d %H:%M:%S}', 'RUNNING')"
        )
        result = site.eros("rollback", "creator_day_plan", "--yes", code=code)
        if code:
            assert "A run of daily (elsewher) is in progress elsewhere" in str(result.exception)
            assert ("creator_day_plan", "table") in site.objects()
            site.eros("restore", made["id"], "--yes", code=code)
        site.emulator.query("delete from etl_job_runs where job_id = 'elsewhere'")
    site.eros("restore", made["id"], "--yes")


def test_a_table_that_changes_during_the_backup_is_noticed(site, monkeypatch):
    counts = BigQueryWarehouse.row_counts

    def one_less(self, tables):
        found = counts(self, tables)
        return {name: n - ("tier_mix" in name and "backup_" in name) for name, n in found.items()}

    monkeypatch.setattr(BigQueryWarehouse, "row_counts", one_less)
    snapshots = site.snapshots()
    result = site.eros("backup", code=ExitCode.RUN_FAILED)
    assert "nothing was kept, try again" in str(result.exception)
    assert site.snapshots() == snapshots


def test_everything_is_dropped_but_what_others_own_and_deploys_again(site):
    before, everything, mine = site.content(), site.objects(), site.ours()
    assert mine == set(owned_objects(site.project.directory).items())
    mine.remove((AUDIT_LOG, "table"))
    refused = site.eros("rollback", "--all", text="all\n", code=ExitCode.USAGE)
    assert "nothing was done" in str(refused.exception)
    assert site.objects() == everything
    plan = site.json("rollback", "schedulable_captions", "--dry-run")
    [reader] = [row for row in plan["broken"] if row["kind"] == "table function"]
    assert (reader["name"], reader["reads"]) == ("select_captions_for_creator", ["schedulable_captions"])

    site.eros("rollback", "--all", text=f"{SCHEMA}\n")

    assert site.objects() == everything - mine
    assert {name for name, _ in site.objects()} >= {*INPUTS, "somebodys_table", "somebodys_procedure"}
    safety = site.json("backup", "list")[0]
    assert (safety["made_by"], safety["tables"]) == ("rollback", len(before) + 1)
    for schedule in ("performance", "daily", "sweep"):
        assert site.run(schedule)["status"] == "SUCCESS"
    assert site.objects() == everything
    site.eros("restore", safety["id"], "--yes")
    assert site.content() == before


def test_what_is_not_ours_is_never_dropped(site):
    before = site.objects()
    for name in (*INPUTS, "somebodys_table", "somebodys_procedure", "theirs", "x`; drop table `y"):
        site.eros("rollback", name, "--yes", code=ExitCode.USAGE)
    assert site.objects() == before
