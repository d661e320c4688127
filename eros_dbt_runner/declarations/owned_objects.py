"""Which objects of the schema are EROS's, by what the project's own files declare."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from eros_dbt_runner.declarations.files import Declarations, Relation

TABLE, VIEW = "table", "view"
RELATIONS = (TABLE, VIEW)


def owned_objects(directory: Path) -> dict[str, str]:
    """The kind of each object that the project in `directory` deploys, by its name.

    A kind is 'table', 'view', 'function' or 'table function'. The inputs are not among them. Raises
    ErosError (CANNOT_START) when the project cannot be read.
    """
    declared = Declarations(directory, "duckdb")
    relations = {relation.name: VIEW if relation.is_view else TABLE for relation in _relations(declared)}
    return relations | declared.routines


def history_tables(directory: Path) -> set[str]:
    """The tables with rows that no run makes again: hooks' state, and what was published."""
    declared = _relations(Declarations(directory, "duckdb"))
    return {relation.name for relation in declared if relation.group == "state" or relation.is_history}


def ours_among(objects: Iterable[tuple[str, str]], owned: Mapping[str, str]) -> set[tuple[str, str]]:
    """Those of a database's `objects`, (name, kind), that are `owned`.

    A table where there should be a view, or the reverse, is one that a model has been before. A
    function where there should be a table, or a procedure of any name, is somebody else's.
    """
    return {
        (name, kind)
        for name, kind in objects
        if name in owned and (owned[name] == kind or {owned[name], kind} == set(RELATIONS))
    }


def _relations(declared: Declarations) -> list[Relation]:
    return [relation for relation in declared.relations.values() if relation.group != "inputs"]
