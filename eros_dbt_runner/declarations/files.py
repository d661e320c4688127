"""What the project's own files say must exist in the database, read without dbt.

Nothing is listed a second time: columns come from the yml beside each model, layouts from the model's
`config(...)` and from `operations_tables()`, functions from where they are created, expected values from
the vectors of the dbt test. Jinja is parsed and never run, except for the small macros of macros/engine.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes

from eros_dbt_runner.errors import CannotStartError
from eros_dbt_runner.project import read_yaml
from eros_dbt_runner.schedules import Schedule, read_schedules

FOLDERS = ("staging", "learning", "scheduling", "operations", "reporting")
_JINJA = Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 - SQL, not HTML


@dataclass(frozen=True)
class Layout:
    """How BigQuery stores a table: the column it is partitioned by, those it is clustered by in order."""

    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    expiration_days: float | None = None


@dataclass(frozen=True)
class Relation:
    """A table or view that must exist.

    `group` is `inputs`, `state`, `seeds` or the model's folder. A model `is_history` if dbt never makes
    its rows anew (`full_refresh=false`). `columns` gives each column's type by
    BigQuery's name, None where the files leave it open.
    """

    name: str
    group: str
    columns: Mapping[str, str | None]
    layout: Layout = field(default_factory=Layout)
    is_view: bool = False
    is_history: bool = False


class Declarations:
    """The files of the dbt project in `directory`, for the engine that `adapter` names.

    Its members raise ErosError (CANNOT_START) for a file that is missing or does not say what it should.
    """

    def __init__(self, directory: Path, adapter: str) -> None:
        """Nothing is read before it is asked for."""
        self.directory, self._adapter = directory, adapter

    @cached_property
    def variables(self) -> Mapping[str, Any]:
        """The vars of dbt_project.yml."""
        found: Mapping[str, Any] = read_yaml(self.directory / "dbt_project.yml")["vars"]
        return found

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """Everything that must stand in the dataset, by name."""
        found = [*self._inputs(), *self._state(), *self._seeds()]
        for folder in FOLDERS:
            found += self._models(folder)
        return {relation.name: relation for relation in found}

    def group(self, name: str) -> list[Relation]:
        """The relations of one group."""
        return [relation for relation in self.relations.values() if relation.group == name]

    @cached_property
    def routines(self) -> dict[str, str]:
        """The functions that must exist, each with its kind, by name."""
        kinds = {"create_function": "function", "create_table_function": "table function"}
        return {
            call.args[0].as_const(): kinds[maker]
            for folder in ("udfs", "procedures")
            for path in sorted((self.directory / "macros" / folder).glob("*.sql"))
            for maker, call in _calls(path, *kinds)
        }

    @cached_property
    def vectors(self) -> dict[str, Any]:
        """The constants of the dbt test of the functions: arguments and expected values."""
        path = self.directory / "tests" / "dbt" / "singular" / "function_vectors.sql"
        found = {}
        for assignment in _parse(path).find_all(nodes.Assign):
            if isinstance(assignment.target, nodes.Name):
                found[assignment.target.name] = _constant(assignment.node, path)
        return found

    @cached_property
    def holidays(self) -> list[dict[str, str]]:
        """The rows of the seed holiday_calendar, as text."""
        with _open(self.directory / "seeds" / "holiday_calendar.csv") as file:
            return list(csv.DictReader(file))

    @cached_property
    def schedules(self) -> dict[str, Schedule]:
        """The schedules of schedules.yml, by name."""
        return read_schedules(self.directory / "schedules.yml")

    @cached_property
    def selectors(self) -> set[str]:
        """The names in selectors.yml."""
        content = read_yaml(self.directory / "selectors.yml")
        return {selector["name"] for selector in content["selectors"]}

    def engine_sql(self, macro: str, *arguments: object) -> str:
        """The SQL of a macro of macros/engine on this engine, as the models use it."""
        with _open(self.directory / "macros" / "engine" / f"{macro}.sql") as file:
            template = _JINJA.from_string(file.read(), globals={"var": self.variables.get})
        module = template.module
        own = getattr(module, f"{self._adapter}__{macro}", None)
        return str((own or getattr(module, f"default__{macro}"))(*arguments)).strip()

    def test_sql(self, name: str) -> str:
        """The SQL of a dbt test of tests/dbt/singular that uses nothing but tables and engine macros.

        dbt itself would deploy functions and make tables before it tests: what is looked at would be mended.
        """
        path = self.directory / "tests" / "dbt" / "singular" / f"{name}.sql"
        _parse(path)
        macros = {
            file.stem: partial(self.engine_sql, file.stem)
            for file in (self.directory / "macros" / "engine").glob("*.sql")
        }
        with _open(path) as file:
            template = _JINJA.from_string(file.read(), globals=macros)
        return template.render(config=lambda **_: "", ref=str, source=lambda _, table: table)

    # ---- where relations are declared ----

    def _sources(self, name: str) -> Iterator[dict[str, Any]]:
        content = read_yaml(self.directory / "models" / "staging" / "_sources.yml")
        for source in content["sources"]:
            if source["name"] == name:
                yield from source["tables"]

    def _inputs(self) -> list[Relation]:
        """Their columns only: rows whose values have another type are rejected one by one."""
        return [
            Relation(table["name"], "inputs", {column["name"]: None for column in table["columns"]})
            for table in self._sources("inputs")
        ]

    def _state(self) -> list[Relation]:
        path = self.directory / "macros" / "hooks" / "create_operations_tables.sql"
        macros = {macro.name: macro for macro in _parse(path).find_all(nodes.Macro)}
        [answer] = [
            call
            for call in macros["operations_tables"].find_all(nodes.Call)
            if isinstance(call.node, nodes.Name) and call.node.name == "return"
        ]
        return [_state_table(table) for table in _constant(answer.args[0], path)]

    def _seeds(self) -> list[Relation]:
        return [
            Relation(seed["name"], "seeds", _types(seed["config"]["column_types"]))
            for path in sorted((self.directory / "seeds").glob("*.yml"))
            for seed in read_yaml(path)["seeds"]
        ]

    def _models(self, folder: str) -> list[Relation]:
        found = []
        for path in sorted((self.directory / "models" / folder).glob("*.yml")):
            for model in read_yaml(path).get("models", []):
                columns = {column["name"]: column.get("data_type") for column in model["columns"]}
                config = _config(path.with_name(f"{model['name']}.sql"))
                found.append(
                    Relation(
                        model["name"], folder, _types(columns), _model_layout(config),
                        is_view=config.get("materialized") == "view",
                        is_history=config.get("full_refresh") is False,
                    )
                )  # fmt: skip
        return found


def _state_table(table: Mapping[str, Any]) -> Relation:
    partition = re.fullmatch(r"(?:date\()?(\w+)\)?", table["partition_by"] or "")
    return Relation(
        table["name"],
        "state",
        _types(dict(column.split(" ", 1) for column in table["columns"])),
        Layout(partition[1] if partition else None, tuple(table["cluster_by"]), table["expiration_days"]),
    )


def _model_layout(config: Mapping[str, Any]) -> Layout:
    return Layout(
        (config.get("partition_by") or {}).get("field"),
        tuple(config.get("cluster_by") or ()),
        config.get("partition_expiration_days"),
    )


def _config(path: Path) -> dict[str, Any]:
    """What a model's `config(...)` says of how it is stored."""
    wanted = ("materialized", "partition_by", "cluster_by", "partition_expiration_days", "full_refresh")
    return {
        argument.key: _constant(argument.value, path)
        for _, call in _calls(path, "config")
        for argument in call.kwargs
        if argument.key in wanted
    }


def _types(declared: Mapping[str, str | None]) -> dict[str, str | None]:
    """Declared types by BigQuery's names; a type that depends on the engine is taken from there."""
    bigquery = {"target": {"type": "bigquery"}}
    return {
        name: None if text is None else _JINJA.from_string(text).render(bigquery).upper()
        for name, text in declared.items()
    }


def _open(path: Path) -> Any:
    try:
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise CannotStartError(f"{path} cannot be read: {error.strerror}.") from None


def _parse(path: Path) -> nodes.Template:
    with _open(path) as file:
        try:
            return _JINJA.parse(file.read())
        except TemplateSyntaxError as error:
            raise CannotStartError(
                f"{path} (line {error.lineno}) is not valid Jinja: {error.message}"
            ) from None


def _calls(path: Path, *names: str) -> Iterator[tuple[str, nodes.Call]]:
    """Where the template of `path` calls one of `names`."""
    for call in _parse(path).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in names:
            yield call.node.name, call


def _constant(node: nodes.Node, path: Path) -> Any:
    try:
        if isinstance(node, nodes.Expr):
            return node.as_const()
    except nodes.Impossible:
        pass
    raise CannotStartError(f"{path} (line {node.lineno}) must say a constant: `eros verify` reads it there.")
