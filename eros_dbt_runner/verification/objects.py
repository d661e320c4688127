"""Categories 1, 3 and 4: what exists, with which columns, and how it is stored."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from eros_dbt_runner.declarations.files import FOLDERS, Relation
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.verification.checks import Check, Deployment, Finding
from eros_dbt_runner.warehouse.catalogue import Column

STATISTICS = "caption_bandit_stats"
MESSAGES_TABLE = "schedule_recommendations_messages"
# Other programs read these by position, so that nothing may stand in them but what is declared.
BY_POSITION = (STATISTICS, MESSAGES_TABLE)
NEXT_STEP = {
    "inputs": "the four input tables come from others",
    "state": "any run makes it",
    "seeds": "`eros run daily` makes it",
    "staging": "`eros run performance` makes it",
    "learning": "`eros run performance` makes it",
    "scheduling": "`eros run daily` makes it",
    "operations": "`eros run performance` and `eros run daily` make it",
    "reporting": "`eros run performance` and `eros run daily` make it",
}


# ---- 1: what exists ----


def _exist(group: str, deployment: Deployment) -> Finding:
    declared = deployment.declared.group(group)
    missing = [
        f"{relation.name} is missing: {NEXT_STEP[group]}"
        for relation in declared
        if relation.name not in deployment.catalogue.relations
    ]
    return Finding.of(f"{len(declared)} tables and views", missing)


def _views_answer(deployment: Deployment) -> Finding:
    """A view whose table was dropped still stands in the catalogue. Missing ones are told elsewhere."""
    views = [
        relation.name
        for relation in deployment.declared.relations.values()
        if (relation.is_view or relation.group == "inputs")
        and relation.name in deployment.catalogue.relations
    ]
    problems = [] if views else ["there is no view"]
    for view in views:
        try:
            deployment.tables.check(f"select * from {view}")  # noqa: S608 - a name of ours
        except ErosError as error:
            problems.append(f"{view} cannot be read: {error}")
    return Finding.of(f"{len(views)} can be read", problems)


def _functions_exist(deployment: Deployment) -> Finding:
    found = deployment.catalogue.routines
    problems = [
        f"{name} is missing: any run makes it" if name not in found
        else f"{name} is a {found[name]} and should be a {kind}: docs/bigquery.md says how to drop it"
        for name, kind in deployment.declared.routines.items()
        if found.get(name) != kind
    ]  # fmt: skip
    return Finding.of(", ".join(deployment.declared.routines), problems)


EXISTENCE = (
    *(Check("objects", group, partial(_exist, group)) for group in ("inputs", "state", "seeds", *FOLDERS)),
    Check("objects", "views answer", _views_answer),
    Check("objects", "functions exist", _functions_exist),
)


# ---- 3 and 4: columns ----


def _have_columns(group: str, deployment: Deployment) -> Finding:
    """Every declared column with its type. A table that older scripts left may have more."""
    declared = [relation for relation in deployment.declared.group(group) if relation.name not in BY_POSITION]
    problems = []
    for relation in declared:
        found = _found(deployment, relation.name)
        names = {column.name for column in found}
        problems += [f"{relation.name}.{name} is missing" for name in relation.columns if name not in names]
        problems += _wrong_types(relation, found)
    count = sum(len(relation.columns) for relation in declared)
    return Finding.of(f"{count} columns in {len(declared)} tables and views", problems)


def _columns_in_order(table: str, deployment: Deployment) -> Finding:
    expected = list(deployment.declared.relations[table].columns)
    found = [column.name for column in _found(deployment, table)]
    problems = [f"{table}.{name} is missing" for name in expected if name not in found]
    problems += [f"{table}.{name} should not be there" for name in found if name not in expected]
    if not problems and found != expected:
        problems = [f"{table} has its columns in another order: {', '.join(found)}"]
    return Finding.of(f"{len(expected)} columns in order", problems)


def _column_types(table: str, deployment: Deployment) -> Finding:
    relation = deployment.declared.relations[table]
    found = [column for column in _found(deployment, table) if column.name in relation.columns]
    problems = _wrong_types(relation, found) if found else [f"{table} is missing"]
    return Finding.of(f"types of {len(found)} columns", problems)


def _found(deployment: Deployment, table: str) -> tuple[Column, ...]:
    return deployment.catalogue.relations.get(table, ())


def _wrong_types(relation: Relation, found: Sequence[Column]) -> list[str]:
    return [
        f"{relation.name}.{column.name} is {column.type} and should be {relation.columns[column.name]}"
        for column in found
        if not _is_of_type(column.type, relation.columns.get(column.name))
    ]


def _is_of_type(found: str, declared: str | None) -> bool:
    """A STRUCT that is declared without fields has those of its input, whatever they are."""
    return declared in (None, found) or (declared == "STRUCT" and found.startswith("STRUCT"))


# ---- 3: partitions ----


def _partitioned(deployment: Deployment) -> Finding:
    layouts = {table.name: table.layout for table in _tables(deployment)}
    expected = {name: (layout.partition_by,) for name, layout in layouts.items() if layout.partition_by}
    found = {
        name: tuple(column.name for column in columns if column.is_partitioning)
        for name, columns in deployment.catalogue.relations.items()
    }
    return _stored(deployment, "partition", expected, found)


def _clustered(deployment: Deployment) -> Finding:
    layouts = {table.name: table.layout for table in _tables(deployment)}
    expected = {name: layout.cluster_by for name, layout in layouts.items() if layout.cluster_by}
    found = {
        name: tuple(column.name for column in _clustering(columns))
        for name, columns in deployment.catalogue.relations.items()
    }
    return _stored(deployment, "cluster", expected, found)


def _clustering(columns: tuple[Column, ...]) -> list[Column]:
    clustered = [column for column in columns if column.clustering_position is not None]
    return sorted(clustered, key=lambda column: column.clustering_position or 0)


def _stored(
    deployment: Deployment,
    word: str,
    expected: Mapping[str, tuple[str, ...]],
    found: Mapping[str, tuple[str, ...]],
) -> Finding:
    """Whether tables are partitioned or clustered by what is declared.

    An engine that knows neither must at least have the columns.
    """
    if not deployment.catalogue.has_partitions:
        problems = [
            f"{table}.{name} is missing, by which BigQuery would {word} the table"
            for table, names in expected.items()
            for name in names
            if name not in {column.name for column in _found(deployment, table)}
        ]
        return Finding.of(f"this engine has none; the columns of {len(expected)} tables are there", problems)
    problems = [
        f"{table} is {word}ed by {', '.join(found.get(table, ())) or 'nothing'}"
        f" and should be by {', '.join(names)}"
        for table, names in expected.items()
        if found.get(table, ()) != names
    ]
    return Finding.of(f"{len(expected)} tables", problems)


def _expiry(deployment: Deployment) -> Finding:
    expected = {
        table.name: table.layout.expiration_days
        for table in _tables(deployment)
        if table.layout.partition_by and table.name in deployment.catalogue.relations
    }
    if not expected:
        return Finding.of("", ["there is no table"])
    if not deployment.catalogue.has_partitions:
        return Finding("this engine has none")
    found = deployment.catalogue.expiration_days
    problems = [
        f"partitions of {name} expire after {_days(found.get(name))} and should after {_days(days)}"
        for name, days in expected.items()
        if found.get(name) != days
    ]
    return Finding.of(f"{len(expected)} tables", problems)


def _days(days: float | None) -> str:
    return "no time" if days is None else f"{days:g} days"


def _tables(deployment: Deployment) -> Iterator[Relation]:
    return (relation for relation in deployment.declared.relations.values() if not relation.is_view)


SCHEMAS = (
    *(Check("schemas", f"columns of {group}", partial(_have_columns, group))
      for group in ("inputs", "state", "seeds", *FOLDERS)),
    Check("schemas", f"columns of {STATISTICS}", partial(_columns_in_order, STATISTICS)),
    Check("schemas", f"types of {STATISTICS}", partial(_column_types, STATISTICS)),
    Check("schemas", "partitioning", _partitioned),
    Check("schemas", "clustering", _clustered),
    Check("schemas", "expiry of partitions", _expiry),
)  # fmt: skip

MESSAGES = (
    Check("messages", "columns", partial(_columns_in_order, MESSAGES_TABLE)),
    Check("messages", "types", partial(_column_types, MESSAGES_TABLE)),
)
