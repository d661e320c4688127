"""Draws docs/entities.md and docs/flow.md from dbt's manifest, which is what `make pictures` runs.

A test draws them again and compares, so that they say what the project is and not what it was.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import networkx as nx
from dbterd.api import DbtErd

from docs.page import ROOT, dbt

STAGES = ("staging", "learning", "scheduling", "operations", "reporting")
CALL = re.compile(r"\{\{\s*(\w+)\(")
WRITE = re.compile(r"(?:insert into|merge into|update|delete from)\s+\{\{\s*source\('operations', '(\w+)'\)")

# The types are taken from the yml files, so that nothing needs to be built.
EMPTY_CATALOG = {
    "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/catalog/v1.json"},
    "nodes": {},
    "sources": {},
    "errors": None,
}

ENTITIES = """# What belongs to what

Made by `make pictures` from dbt's manifest; a test fails when it is out of date.

Each line is a `relationships` test that `dbt build` runs: every value on the many side exists on the
one side. A table shows the columns that identify its rows or relate it to others; every column is in
the page that `make docs` writes. Tables without such a test are not here.

```mermaid
{diagram}
```
"""

FLOW = """# How it flows

Made by `make pictures` from dbt's manifest; a test fails when it is out of date.

An arrow leads from a table to one that is built from it; it is left out where a longer way says the
same. A dashed arrow is a hook that writes to a table which hooks own. Rounded boxes are tables of others
and state, the others are built by dbt.

```mermaid
{diagram}
```
"""

Manifest = dict[str, Any]
Node = dict[str, Any]


def pictures(manifest: Manifest) -> dict[str, str]:
    """The files of docs/ that are drawn, by name."""
    return {
        "entities.md": ENTITIES.format(diagram=entities(manifest).strip()),
        "flow.md": FLOW.format(diagram="\n".join(flow(manifest))),
    }


# ---- what belongs to what ----


def entities(manifest: Manifest) -> str:
    """A mermaid erDiagram of the tables that a relationships test relates."""
    with tempfile.TemporaryDirectory() as folder:
        for name, artifact in (("manifest.json", _related(manifest)), ("catalog.json", EMPTY_CATALOG)):
            Path(folder, name).write_text(json.dumps(artifact), encoding="utf-8")
        return DbtErd(
            artifacts_dir=folder, target="mermaid", entity_name_format="table",
            resource_type=["model", "seed", "source"],
        ).get_erd()  # fmt: skip


def _related(manifest: Manifest) -> Manifest:
    """The manifest with related tables, their keys and the tests that relate them, and nothing else."""
    keys = _keys(manifest)
    relations = _generic_tests(manifest, "relationships")
    kept = {table for test in relations for table in _tables_of(test)}
    kept |= {test["unique_id"] for test in relations}

    def only_keys(name: str, node: Node) -> Node:
        return {**node, "columns": {c: text for c, text in node["columns"].items() if (name, c) in keys}}

    return {
        **manifest,
        **{
            place: {name: only_keys(name, node) for name, node in manifest[place].items() if name in kept}
            for place in ("nodes", "sources")
        },
    }


def _keys(manifest: Manifest) -> set[tuple[str, str]]:
    """The columns that a test says identify a row or relate it, each with its table."""
    found = set()
    for test in _generic_tests(manifest, "unique", "relationships"):
        found.add((_tables_of(test)[0], test["column_name"]))
    for test in _generic_tests(manifest, "relationships"):
        found.add((_tables_of(test)[1], test["test_metadata"]["kwargs"]["field"]))
    for test in _generic_tests(manifest, "unique_combination_of_columns"):
        columns = test["test_metadata"]["kwargs"]["combination_of_columns"]
        found.update((_tables_of(test)[0], column) for column in columns)
    return found


def _tables_of(test: Node) -> tuple[str, str]:
    """The table that a test is about, and the one that it looks into, if it is another."""
    tables = test["depends_on"]["nodes"]
    # dbt attaches no test to a source; of a relationships test it names the table looked into first.
    about = test["attached_node"] or tables[-1]
    return about, next((table for table in tables if table != about), about)


def _generic_tests(manifest: Manifest, *names: str) -> list[Node]:
    return [n for n in manifest["nodes"].values() if n.get("test_metadata", {}).get("name") in names]


# ---- how it flows ----


def flow(manifest: Manifest) -> Iterator[str]:
    """The lines of a mermaid flowchart of sources, seeds, models and exposures."""
    tables = {
        name: node
        for place in ("sources", "nodes", "exposures")
        for name, node in manifest[place].items()
        if node["resource_type"] in ("source", "seed", "model", "exposure")
    }
    yield "flowchart LR"
    for title in ("inputs", "seeds", *STAGES, "state", "readers"):
        yield f"    subgraph {title}"
        yield from (f"        {_box(node)}" for node in _sorted(tables.values()) if _stage(node) == title)
        yield "    end"
    written = {name: _written_by(manifest, node) for name, node in tables.items()}
    built = [(tables[a]["name"], tables[b]["name"]) for a, b in _reduced(tables, written).edges]
    yield from (f"    {source} --> {target}" for source, target in sorted(built))
    by_hooks = [(tables[name]["name"], table) for name, found in written.items() for table in found]
    yield from (f"    {source} -.-> {target}" for source, target in sorted(by_hooks))


def _sorted(nodes: Iterable[Node]) -> list[Node]:
    return sorted(nodes, key=lambda node: node["name"])


def _stage(node: Node) -> str:
    kind = node["resource_type"]
    if kind == "source":
        return "inputs" if node["source_name"] == "inputs" else "state"
    return {"seed": "seeds", "exposure": "readers"}.get(kind) or node["fqn"][1]


def _box(node: Node) -> str:
    if node["resource_type"] == "source":
        return f"{node['name']}([{node['name']}])"
    if node["resource_type"] == "exposure":
        return f'{node["name"]}["{node["label"].replace("`", "")}"]'
    return node["name"]


def _reduced(tables: dict[str, Node], written: dict[str, list[str]]) -> nx.DiGraph:
    """What is built from what, without what follows from the rest and what hooks alone need."""
    graph = nx.DiGraph()
    graph.add_nodes_from(tables)
    for name, node in tables.items():
        for parent in node.get("depends_on", {}).get("nodes", []):
            table = tables[parent]["name"]
            if table not in written[name] or f"'{table}'" in node["raw_code"]:
                graph.add_edge(parent, name)
    return nx.transitive_reduction(graph)


def _written_by(manifest: Manifest, node: Node) -> list[str]:
    """The tables of state that a model's hooks write to."""
    config = node.get("config", {})
    hooks = [*config.get("pre-hook", []), *config.get("post-hook", [])]
    called = [f"macro.eros.{name}" for hook in hooks for name in CALL.findall(hook["sql"])]
    sources = [manifest["macros"][name]["macro_sql"] for name in called]
    return sorted({table for source in sources for table in WRITE.findall(source)})


def main() -> None:
    """Draw the pictures of this checkout."""
    with tempfile.TemporaryDirectory() as folder:
        dbt("parse", folder=Path(folder))
        manifest = json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8"))
    for name, text in pictures(manifest).items():
        (ROOT / "docs" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
