"""What EROS owns, read from its files, against what dbt knows and what the database holds."""

from __future__ import annotations

import json

import pytest
import yaml

from eros_dbt_runner.declarations.owned_objects import history_tables, owned_objects
from eros_dbt_runner.errors import ErosError
from tests.python.harness import ROOT, SCHEMA

KINDS_OF_DBT = {"view": "view", "table": "table", "incremental": "table", "seed": "table"}
INPUTS = {"mass_messages", "caption_bank", "captions", "creator_caption_restrictions"}


def state(directory):
    """The tables that hooks own, by the source that documents them."""
    [operations] = [
        source
        for source in yaml.safe_load((directory / "models/staging/_sources.yml").read_text())["sources"]
        if source["name"] == "operations"
    ]
    return {table["name"] for table in operations["tables"]}


def test_models_and_seeds_are_those_that_dbt_knows(project):
    nodes = json.loads((project.directory / "target/manifest.json").read_text())["nodes"].values()
    expected = {
        node["alias"]: KINDS_OF_DBT[node["config"]["materialized"]]
        for node in nodes
        if node["resource_type"] in ("model", "seed")
    }
    owned = owned_objects(project.directory)
    assert len(expected) > 30
    assert {name: kind for name, kind in owned.items() if name in expected} == expected
    functions = {name for name, kind in owned.items() if "function" in kind}
    assert set(owned) == set(expected) | state(project.directory) | functions


def test_everything_in_the_database_is_owned_but_the_inputs(built):
    built.run("sweep")
    found = built.query(
        "select table_name as name, 'table' as kind from duckdb_tables() where schema_name = $schema"
        " union all"
        " select view_name, 'view' from duckdb_views() where schema_name = $schema"
        " union all"
        " select function_name, if(function_type = 'macro', 'function', 'table function')"
        " from duckdb_functions() where schema_name = $schema",
        {"schema": SCHEMA},
    )
    there = {row["name"]: row["kind"] for row in found}
    assert {name: kind for name, kind in there.items() if name not in INPUTS} == owned_objects(
        built.directory
    )
    assert set(there) >= INPUTS


def test_state_tables_are_the_declared_ones_and_history_is_what_no_run_makes_again():
    assert "etl_job_runs" in state(ROOT)
    assert history_tables(ROOT) == {
        *state(ROOT), "schedule_recommendations", "schedule_recommendations_messages",
        "mass_messages_checked", "message_outcomes", "first_caption_scores", "restricted_pages",
        "withdrawn_messages",
    }  # fmt: skip


def test_a_new_file_is_owned_at_once(project):
    (project.directory / "models/learning/brand_new.sql").write_text("select 1 as one")
    (project.directory / "models/learning/brand_new.yml").write_text(
        "models: [{name: brand_new, columns: [{name: one, data_type: INT64}]}]"
    )
    (project.directory / "macros/udfs/new_function.sql").write_text(
        "{% macro deploy_new_function() %}{{ return(create_function('new_function', [], 'INT64', '1')) }}"
        "{% endmacro %}"
    )
    owned = owned_objects(project.directory)
    assert (owned["brand_new"], owned["new_function"]) == ("table", "function")


def test_a_project_without_its_files_is_told_in_one_sentence(project):
    (project.directory / "macros/hooks/create_operations_tables.sql").unlink()
    with pytest.raises(ErosError, match=r"create_operations_tables\.sql cannot be read"):
        owned_objects(project.directory)
