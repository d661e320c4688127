"""Every statement for BigQuery, analysed by GoogleSQL itself.

Two sources: what the real adapter sent in a first build, a second build and the three schedules,
and, because the emulator is spoken to a little differently (macros/engine/emulator.sql), every model
as it is compiled for production, in both its branches, with the DDL around it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml

pytest.importorskip("bqemulator", reason="bqemulator needs Python 3.11")

from tests.python.googlesql import DATASET, PROJECT, GoogleSql
from tests.python.harness import ROOT
from tests.python.twins import Twins

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("bigquery")]

# As the target `bigquery`, but answered by the emulator: what is compiled is production's.
PRODUCTION = """
    production:
      <<: *bigquery
      method: oauth-secrets
      token: none
      api_endpoint: "{{ env_var('EROS_BIGQUERY_ENDPOINT') }}"
"""


def manifest(twins: Twins, target: str) -> dict:
    return json.loads((twins.project.directory / target / "manifest.json").read_text())


def source_tables(source_name: str) -> dict[str, dict[str, str]]:
    """The columns and types of a source's tables."""
    sources = yaml.safe_load((ROOT / "models/staging/_sources.yml").read_text())["sources"]
    [source] = [source for source in sources if source["name"] == source_name]
    return {
        table["name"]: {c["name"]: c["data_type"] for c in table["columns"]} for table in source["tables"]
    }


def given_tables(nodes: dict) -> dict[str, dict[str, str]]:
    """What no statement creates: the inputs, and the seeds, which are loaded."""
    tables = source_tables("inputs")
    for node in nodes.values():
        if node["resource_type"] == "seed":
            types = node["config"]["column_types"]
            tables[node["name"]] = {name: types[name].upper() for name in node["columns"]}
    return tables


def problems(analyser: GoogleSql, statements: list[str]) -> list[str]:
    found = []
    for sql in statements:
        try:
            analyser.analyse(sql)
        except Exception as error:
            found.append(f"{error}\n{sql}")
    return found


def typed_models(nodes: dict) -> Iterator[tuple[str, dict[str, str]]]:
    """The models whose types the files say; what is only a STRUCT has the fields of its input."""
    for node in nodes.values():
        columns = {name: (column["data_type"] or "").upper() for name, column in node["columns"].items()}
        if node["resource_type"] == "model" and all(columns.values()) and "STRUCT" not in columns.values():
            yield node["name"], columns


@pytest.fixture(scope="module")
def analysed(twins: Twins) -> tuple[GoogleSql, list[str]]:
    """The analyser after everything that was sent, and what it found wrong."""
    analyser = GoogleSql(given_tables(manifest(twins, "target-emulator")["nodes"]))
    sent = [sql for step in twins.statements.values() for sql in step]
    return analyser, problems(analyser, sent)


def test_every_statement_that_was_sent_is_valid(twins: Twins, analysed, record_property) -> None:
    counts = {step: len(statements) for step, statements in twins.statements.items()}
    record_property("checked", f"{sum(counts.values())} statements by GoogleSQL's analyser")
    assert min(counts.values()) > 100
    assert analysed[1] == []


def test_the_analyser_finds_what_is_wrong(analysed) -> None:
    analyser = analysed[0]
    table = f"`{PROJECT}`.`{DATASET}`.`caption_bandit_stats`"
    assert problems(analyser, [f"select no_such_column from {table}"])
    assert problems(analyser, [f"select * from {table} where page_name = 1"])
    assert problems(analyser, [f"select `{PROJECT}.{DATASET}.caption_key_v2`(1, 2)"])


def test_columns_and_types_are_those_of_the_contracts(twins: Twins, analysed) -> None:
    models = dict(typed_models(manifest(twins, "target-emulator")["nodes"]))
    assert len(models) >= 28
    assert {name: analysed[0].columns(name) for name in models} == models
    assert len(analysed[0].columns("schedule_recommendations_messages")) == 18


@pytest.mark.parametrize("branch", [[], ["--full-refresh"]], ids=["incremental", "full refresh"])
def test_production_is_compiled_to_valid_statements(twins: Twins, branch: list[str]) -> None:
    content = compile_for_production(twins, *branch)
    nodes = content["nodes"]
    analyser = GoogleSql(given_tables(nodes))
    for name, columns in typed_models(nodes):  # some models read what they published before
        analyser.add_table(name, columns)
    before = [sql for sql in twins.statements["first build"] if is_of_a_hook(sql)]
    models = [nodes[name] for name in in_order(content)]
    assert len(models) == len([name for name in nodes if name.startswith("model.")])
    analyses = [node["compiled_code"] for name, node in nodes.items() if name.startswith("analysis.")]
    assert len(analyses) >= 6
    assert problems(analyser, [*before, *map(creation, models), *analyses]) == []
    for name, columns in typed_models(nodes):
        assert analyser.columns(name) == columns, name


def is_of_a_hook(sql: str) -> bool:
    """Whether the statement makes a table that hooks own, or a function that the models call."""
    return "create table if not exists" in sql or "create or replace function `" in sql


def production_env(twins: Twins) -> dict[str, str]:
    """The environment of a command for production, whose target the project then has."""
    profiles = twins.project.directory / "profiles.yml"
    if PRODUCTION not in profiles.read_text():
        profiles.write_text(profiles.read_text() + PRODUCTION)
    as_of = {"EROS_AS_OF": twins.days[1].isoformat()}
    return {**twins.emulator.env, **as_of, "DBT_TARGET_PATH": "target-production"}


def compile_for_production(twins: Twins, *flags: str) -> dict:
    """The manifest of a compilation for production over the tables that the emulator holds."""
    twins.project.dbt("compile", "--target", "production", *flags, env=production_env(twins))
    return manifest(twins, "target-production")


def test_the_grant_is_valid_and_takes_only_principals(twins: Twins, analysed) -> None:
    """The emulator knows no GRANT; GoogleSQL does."""

    def grant(principals: str, code: int = 0) -> str:
        inline = "{{ grant_statement('roles/bigquery.dataViewer', [" + principals + "]) }}"
        flags = ("--quiet", "--target", "production", "--inline", inline)
        return twins.project.dbt("compile", *flags, env=production_env(twins), code=code).stdout

    sql = grant("'group:a@example.com', 'user:b@example.com'")
    assert problems(analysed[0], [sql]) == []
    assert (
        sql.split()
        == (
            f"grant `roles/bigquery.dataViewer` on schema `{PROJECT}.{DATASET}`"
            ' to "group:a@example.com", "user:b@example.com"'
        ).split()
    )
    assert "take principals such as" in grant("'everybody'", code=2)


def in_order(content: dict) -> list[str]:
    """The models, each after those that it reads."""
    parents, done = content["parent_map"], []

    def visit(name: str) -> None:
        if name.startswith("model.") and name not in done:
            for parent in parents[name]:
                visit(parent)
            done.append(name)

    for name in sorted(parents):
        visit(name)
    return done


def creation(node: dict) -> str:
    """The statement that dbt-bigquery makes of a model: its DDL around the compiled query."""
    config, relation = node["config"], f"`{PROJECT}`.`{DATASET}`.`{node['name']}`"
    if config["materialized"] == "view":
        return f"create or replace view {relation} as {node['compiled_code']}"
    columns, query = "", node["compiled_code"]
    if node["contract"]["enforced"]:
        columns = ", ".join(f"{name} {column['data_type']}" for name, column in node["columns"].items())
        columns = f"({columns})"
        query = f"select {', '.join(node['columns'])} from ({query}) as model_subq"
    partition, cluster = "", ""
    if config.get("partition_by"):
        field, kind = config["partition_by"]["field"], config["partition_by"]["data_type"]
        partition = f"partition by {field if kind == 'date' else f'timestamp_trunc({field}, day)'}"
    if config.get("cluster_by"):
        cluster = f"cluster by {', '.join(config['cluster_by'])}"
    return f"create or replace table {relation} {columns} {partition} {cluster} as ({query})"
