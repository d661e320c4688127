"""What a dataset holds, as the engines' own catalogues tell it, in words that both share."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

# DuckDB's names of the types that the project uses, and BigQuery's.
_TYPES = {
    "BIGINT": "INT64", "VARCHAR": "STRING", "DOUBLE": "FLOAT64", "BOOLEAN": "BOOL",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column as it stands in the database; `type` is BigQuery's name of it."""

    name: str
    type: str
    is_partitioning: bool = False
    clustering_position: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """The tables and views of a dataset by name, and its routines.

    `routines` says of each whether it is a `function`, a `table function` or a `procedure`.
    `expiration_days` has the tables whose partitions expire. On an engine without partitions
    `has_partitions` is False.
    """

    relations: Mapping[str, tuple[Column, ...]]
    routines: Mapping[str, str]
    has_partitions: bool
    expiration_days: Mapping[str, float] = field(default_factory=dict)


def standard_type(duckdb_type: str) -> str:
    """What BigQuery calls a type of DuckDB: `VARCHAR[]` is `ARRAY<STRING>`."""
    if duckdb_type.endswith("[]"):
        return f"ARRAY<{standard_type(duckdb_type[:-2])}>"
    return _TYPES.get(duckdb_type, duckdb_type)


def routine_kind(engine_type: str) -> str:
    """What an engine calls a routine (`table_macro`, `TABLE FUNCTION`, `PROCEDURE`), in one way."""
    if re.search("procedure", engine_type, re.IGNORECASE):
        return "procedure"
    return "table function" if re.search("table", engine_type, re.IGNORECASE) else "function"
