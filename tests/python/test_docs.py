"""What the project says of itself: descriptions, tests, the page that `make docs` writes, the pictures."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt_coverage import CoverageReport, CoverageType, compute_coverage, load_files

from docs.page import make_page, mended
from docs.pictures import pictures
from tests.python.browser import chromium, requested, wait_for
from tests.python.harness import PARTS_OF_A_PROJECT, ROOT, SCHEMA, Commands, parsed_project

GRAPH = "angular.element(document.body).injector().get('graph').graph_element"
ICONS = "[...document.querySelectorAll('use[href]')]"

# The tables that people and other programs read; each column of them makes a promise that is tested.
READ = [
    "active_caption_assignments", "automation_alerts", "caption_bandit_stats", "caption_lock_summary",
    "creator_checks", "creator_day_plan", "creator_processing_errors", "etl_job_runs",
    "holiday_calendar", "input_reconciliation", "rejected_rows", "schedule_recommendations",
    "schedule_recommendations_messages", "tier_mix", "volume_policy",
]  # fmt: skip

DESIGN = (ROOT / "docs/design.md").read_text(encoding="utf-8")
ANCHORS = re.findall(r'^<a id="([\w-]+)"></a>$', DESIGN, re.M)
# "Design 5.2 and 7", "Design 4.4 to 4.6", "design sections 4 to 7", also over the end of a line.
REFERENCE = re.compile(r"\bdesign(?:\s+sections?)?((?:(?:\s+and|\s+to|,)?\s+\d+(?:\.\d+)?)+)", re.I)

# What BigQuery takes as the description of a column and of a table.
LONGEST = {"column": 1024, "table": 16384}


@pytest.fixture(scope="module")
def manifest(shared: Path, commands: Commands) -> dict[str, Any]:
    parsed = parsed_project(shared, commands)
    return json.loads((parsed / "target" / "manifest.json").read_text(encoding="utf-8"))


def tables_of(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    return [node for node in nodes if node["resource_type"] in ("model", "seed", "source")]


# ---- descriptions ----


def test_every_table_says_what_it_is_and_where_its_rules_come_from(manifest: dict[str, Any]) -> None:
    tables = tables_of(manifest)
    silent = [table["name"] for table in tables if not table["description"].strip()]
    # What watches the others has its bounds in dbt_project.yml, where each is explained.
    watching = {"health_checks", "alert_queue"}
    unfounded = [t["name"] for t in tables if "Design " not in t["description"] and t["name"] not in watching]
    assert (silent, unfounded) == ([], [])


def test_every_column_is_typed_and_described_in_what_bigquery_takes(manifest: dict[str, Any]) -> None:
    faults = []
    for table in tables_of(manifest):
        faults += [table["name"]] * (len(table["description"]) > LONGEST["table"])
        for column in table["columns"].values():
            fits = 0 < len(column["description"].strip()) <= LONGEST["column"]
            faults += [f"{table['name']}.{column['name']}"] * (not fits or not column["data_type"])
    assert faults == []


def test_what_people_read_keeps_its_contract(manifest: dict[str, Any]) -> None:
    read = [t for t in tables_of(manifest) if t["resource_type"] == "model" and t["name"] in READ]
    assert len(read) > 5
    assert [t["name"] for t in read if not t["contract"]["enforced"]] == []


def test_every_table_that_dbt_builds_has_an_owner(manifest: dict[str, Any]) -> None:
    groups = {group["name"]: group["owner"] for group in manifest["groups"].values()}
    assert {"platform", "data", "content"} <= set(groups)
    built = [table for table in tables_of(manifest) if table["resource_type"] != "source"]
    assert [table["name"] for table in built if table["config"]["group"] not in groups] == []
    owners = [*groups.values(), *(exposure["owner"] for exposure in manifest["exposures"].values())]
    assert [owner for owner in owners if not owner["email"].endswith("@example.com")] == []


def test_every_meaning_that_is_written_once_is_used(manifest: dict[str, Any]) -> None:
    files = [*(ROOT / "models").rglob("*.yml"), *(ROOT / "seeds").glob("*.yml")]
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    blocks = [d["name"] for d in manifest["docs"].values() if d["package_name"] == "eros"]
    unused = [name for name in blocks if f"doc('{name}')" not in text and name != "__overview__"]
    assert len(blocks) > 50
    assert unused == []


# ---- the design ----


def texts_of_the_repository() -> dict[str, str]:
    """Every text that people write, by its path."""
    parts = [*PARTS_OF_A_PROJECT, "eros_dbt_runner", "tests", "docs", "benchmarks", "lint"]
    places = [*(ROOT / part for part in parts), *ROOT.glob("*.md")]
    files = [file for place in places for file in ([place] if place.is_file() else place.rglob("*"))]
    written = {".sql", ".yml", ".csv", ".py", ".md", ".cfg", ".j2"}
    return {
        str(file.relative_to(ROOT)): file.read_text(encoding="utf-8")
        for file in files
        if file.is_file() and file.suffix in written
    }


def test_every_reference_to_the_design_is_to_a_rule() -> None:
    texts = texts_of_the_repository()
    found = [
        (path, number)
        for path, text in texts.items()
        for reference in REFERENCE.findall(text)
        for number in re.findall(r"\d+(?:\.\d+)?", reference)
    ]
    assert len(found) > 250
    assert [(path, number) for path, number in found if number.replace(".", "-") not in ANCHORS] == []
    links = set(re.findall(r"design\.md#([\w-]+)", "".join(texts.values())))
    assert links | set(re.findall(r"\]\(#([\w-]+)\)", DESIGN)) <= set(ANCHORS)


def test_every_rule_of_the_design_has_the_anchor_of_its_number() -> None:
    headings = re.findall(r'(?:^<a id="([\w-]+)"></a>\n\n)?^#{2,} (\d+(?:\.\d+)?)\.? ', DESIGN, re.M)
    assert [anchor for anchor, _ in headings] == [number.replace(".", "-") for _, number in headings]
    assert sorted(ANCHORS) == sorted({anchor for anchor, _ in headings})
    assert len(headings) == len(re.findall(r"^#{2,} ", DESIGN, re.M))


def test_the_design_names_every_number_that_can_be_set() -> None:
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert [name for name in project["vars"] if f"`{name}`" not in DESIGN] == []


# ---- the pictures ----


@pytest.mark.parametrize("name", ["entities.md", "flow.md"])
def test_the_pictures_are_those_of_the_project(manifest: dict[str, Any], name: str) -> None:
    drawn = pictures(manifest)[name]
    assert drawn == (ROOT / "docs" / name).read_text(encoding="utf-8"), "out of date: run `make pictures`"


def test_the_flow_shows_every_table(manifest: dict[str, Any]) -> None:
    flow = pictures(manifest)["flow.md"]
    names = [table["name"] for table in tables_of(manifest)]
    assert len(names) > 40
    boxes = {line.split("(")[0].strip() for line in flow.splitlines() if line.startswith(" " * 8)}
    assert set(names) <= boxes


# ---- the page ----


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_page(tmp_path_factory.mktemp("site"))


def artifact(page: Path, name: str) -> dict[str, Any]:
    return json.loads((page.parent / f"{name}.json").read_text(encoding="utf-8"))


def coverage(page: Path, kind: CoverageType) -> CoverageReport:
    return compute_coverage(load_files(ROOT, page.parent), kind)


@pytest.mark.slow
@pytest.mark.xdist_group("docs")
class TestThePage:
    def test_nothing_is_missing_in_the_catalog(self, page: Path) -> None:
        """What dbt-coverage does not find in the catalog it would not count."""
        catalog, manifest = artifact(page, "catalog"), artifact(page, "manifest")
        described = {table["unique_id"]: set(table["columns"]) for table in tables_of(manifest)}
        there = {
            name: set(node["columns"])
            for place in ("nodes", "sources")
            for name, node in catalog[place].items()
        }
        assert described == there

    def test_every_column_is_described(self, page: Path) -> None:
        report = coverage(page, CoverageType.DOC)
        assert report.coverage == 1, sorted(map(str, report.misses))

    def test_every_column_that_people_read_is_tested(self, page: Path) -> None:
        tables = coverage(page, CoverageType.TEST).subentities
        misses = {name: sorted(c.column_name for c in tables[f"{SCHEMA}.{name}"].misses) for name in READ}
        assert {name: columns for name, columns in misses.items() if columns} == {}

    @pytest.mark.parametrize("table", READ)
    def test_a_broken_promise_is_noticed(self, page: Path, tmp_path: Path, table: str) -> None:
        """Whatever a column's tests promise, some value breaks it: no test is there that cannot fail."""
        promises = promises_of(page, table)
        for file in page.parent.glob("eros.duckdb*"):  # with its write-ahead log
            shutil.copy(file, tmp_path)
        with duckdb.connect(tmp_path / "eros.duckdb") as connection:
            connection.execute(f"use {SCHEMA}")
            prepare(connection, table)
            kept = [test for tests in promises.values() for test in tests if is_broken(connection, test)]
            unnoticed = [c for c, tests in promises.items() if not is_noticed(connection, table, c, tests)]
        assert len(promises) > 3
        assert (kept, unnoticed) == ([], [])

    def test_it_opens_alone_and_shows_every_table(self, page: Path, tmp_path: Path) -> None:
        """In a folder of its own and without a network it asks for nothing and complains of nothing."""
        alone = Path(shutil.copy(page, tmp_path / "alone.html"))
        with chromium(tmp_path / "profile") as browser:
            browser.get(f"{alone.as_uri()}#!/overview?g_v=1")
            wait_for(browser, f"return !!{GRAPH}")
            shown = browser.execute_script(f"return {GRAPH}.nodes(':visible').map(n => n.id())")
            wait_for(browser, "return document.body.textContent.includes('EROS picks the captions')")
            wait_for(browser, f"return {ICONS}.some(icon => icon.getBBox().width)")
            assert browser.get_log("browser") == []
            assert requested(browser, since=alone.name) == {alone.as_uri()}
        assert sorted(shown) == sorted(drawn_in_the_lineage(page))

    def test_a_page_that_dbt_has_changed_is_not_passed_over(self) -> None:
        with pytest.raises(ValueError, match="no longer holds"):
            mended("<html></html>")


def promises_of(page: Path, table: str) -> dict[str, list[str]]:
    """The SQL of the tests of each column of a table; it gives the rows that break the promise."""
    promises: dict[str, list[str]] = {}
    for node in artifact(page, "manifest")["nodes"].values():
        if node["resource_type"] == "test" and node.get("column_name") and is_about(node, table):
            promises.setdefault(node["column_name"], []).append(node["compiled_code"])
    return promises


def is_about(test: dict[str, Any], table: str) -> bool:
    return (test["attached_node"] or test["depends_on"]["nodes"][-1]).split(".")[-1] == table


def prepare(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the table one that can be changed, with at least one row for each of its promises."""
    connection.execute(f"create table changed as from {table}")
    (kind,) = connection.execute(
        "select table_type from information_schema.tables where table_name = ?", [table]
    ).fetchone()
    connection.execute(f"drop {'view' if kind == 'VIEW' else 'table'} {table}")
    connection.execute(f"alter table changed rename to {table}")
    run = "(select any_value(job_id) from etl_job_runs)"
    rows = {
        "automation_alerts": f"('a', now(), 'WARNING', 'job_run', 'x', {run}, true, now(), 'amy')",
        "creator_processing_errors": f"({run}, 'amy', date '2025-06-15', 'x', now())",
        "active_caption_assignments": "('amy', 1, 'x', date '2025-06-01', date '2025-06-02', 9, 'mid', false,"
        " now(), 'k', 'amy_20250602', now(), 'PAST_SEND_DATE')",
        "rejected_rows": "('caption_bank', '1', 'caption_text is missing', '{}')",
        "etl_job_runs": "('failed', 'daily', now(), now(), 'FAILED', date '2025-06-15', 1, 1, 'x', 1)",
    }
    if table in rows:
        connection.execute(f"insert into {table} values {rows[table]}")


def is_noticed(connection: duckdb.DuckDBPyConnection, table: str, column: str, tests: list[str]) -> bool:
    """Whether one of the column's tests notices that all its values are no longer what they were."""
    (kind,) = connection.execute(
        "select data_type from information_schema.columns where (table_name, column_name) = (?, ?)",
        [table, column],
    ).fetchone()
    wild = {"VARCHAR": ["''", "'?'"], "BIGINT": ["-1000", "1000000"], "DOUBLE": ["-1000", "1000000"]}
    for value in ["null", *wild.get(kind, [])]:
        connection.execute("begin")
        connection.execute(f"update {table} set {column} = {value}")
        noticed = any(is_broken(connection, test) for test in tests)
        connection.execute("rollback")
        if noticed:
            return True
    return False


def is_broken(connection: duckdb.DuckDBPyConnection, test: str) -> bool:
    return connection.execute(f"select count(*) from ({test})").fetchone()[0] > 0


def drawn_in_the_lineage(page: Path) -> list[str]:
    manifest = artifact(page, "manifest")
    nodes = [node for place in ("nodes", "sources", "exposures") for node in manifest[place].values()]
    kinds = ("model", "seed", "source", "exposure", "analysis")
    drawn = [n["unique_id"] for n in nodes if n["resource_type"] in kinds]
    assert len(drawn) > 45
    return drawn
