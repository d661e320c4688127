"""Google's own analyser of BigQuery's language, with a catalog that grows with the statements.

The catalog begins with the tables that others own. A statement that creates a table, a view or a
function adds it with the columns and types that the analyser found, so that a later statement is
held against what the earlier ones really made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from google._upb import _message as protobuf
from zetasql import types
from zetasql.api.prepared_query import PreparedQuery
from zetasql.api.type_factory import TypeFactory
from zetasql.api.value import Value as ZetaValue
from zetasql.core.local_service import ZetaSqlLocalService
from zetasql.types import TypeKind

# A statement of ours is deeper than the hundred levels that are read otherwise.
protobuf.SetAllowOversizeProtos(True)

EPOCH = date(1970, 1, 1)
MIDNIGHT = datetime.combine(EPOCH, time.min)  # UTC, as DuckDB gives a TIMESTAMP
PROJECT, DATASET = "of-scheduler-proj", "eros_scheduling_brain"
NAMES = {
    "INT64": TypeKind.TYPE_INT64, "FLOAT64": TypeKind.TYPE_DOUBLE, "STRING": TypeKind.TYPE_STRING,
    "BOOL": TypeKind.TYPE_BOOL, "TIMESTAMP": TypeKind.TYPE_TIMESTAMP, "DATE": TypeKind.TYPE_DATE,
}  # fmt: skip
KINDS = {kind: name for name, kind in NAMES.items()}
TABLE_STATEMENTS = ("ResolvedCreateTableAsSelectStmt", "ResolvedCreateTableStmt", "ResolvedCreateViewStmt")


class GoogleSql:
    """An analyser for one dataset. `tables` are columns by table: {'mass_messages': {'row_id': 'INT64'}}."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self.options = types.AnalyzerOptions(
            language_options=types.LanguageOptions.maximum_features(), default_timezone="UTC"
        )
        self.options.language_options.product_mode = types.ProductMode.PRODUCT_EXTERNAL
        self._service = ZetaSqlLocalService.get_instance()
        self._tables = {
            name: {column: type_of(text) for column, text in columns.items()}
            for name, columns in tables.items()
        }
        self._functions: dict[str, types.Function] = {}
        self._table_functions: dict[str, types.TableValuedFunction] = {}
        self._registered: int | None = None

    def analyse(self, sql: str):
        """The resolved statement; raises with GoogleSQL's own message."""
        if self._registered is None:
            self._registered = self._service.register_catalog(simple_catalog=self._catalog()).registered_id
        statement = self._service.analyze(
            sql_statement=_one_part_names(sql), options=self.options, registered_catalog_id=self._registered
        ).resolved_statement
        self._remember(statement)
        return statement

    def columns(self, table: str) -> dict[str, str]:
        """The columns and types that a table of the catalog has."""
        return {name: text_of(kind) for name, kind in self._tables[table].items()}

    def add_table(self, name: str, columns: Mapping[str, str]) -> None:
        """Put a table into the catalog as if it had been made."""
        self._tables[name] = {column: type_of(text) for column, text in columns.items()}
        self._registered = None

    def _catalog(self) -> types.SimpleCatalog:
        tables = [
            types.SimpleTable(
                name=name,
                column=[
                    types.SimpleColumn(name=column, type=kind, is_writable_column=True)
                    for column, kind in columns.items()
                ],
            )
            for name, columns in self._tables.items()
        ]
        dataset = types.SimpleCatalog(
            name=DATASET,
            table=tables,
            custom_function=list(self._functions.values()),
            custom_tvf=list(self._table_functions.values()),
        )
        return types.SimpleCatalog(
            name="root",
            catalog=[types.SimpleCatalog(name=PROJECT, catalog=[dataset])],
            builtin_function_options=types.ZetaSQLBuiltinFunctionOptions(
                language_options=self.options.language_options
            ),
        )

    def _remember(self, statement) -> None:
        """Put what a statement creates into the catalog."""
        kind, name = type(statement).__name__, (getattr(statement, "name_path", None) or [""])[-1]
        if getattr(statement, "clone_from", None):
            return  # the table is there already, and stays what it is
        if kind in TABLE_STATEMENTS:
            made = statement.column_definition_list or statement.output_column_list
            self._tables[name] = {c.name: getattr(c, "type", None) or c.column.type for c in made}
        elif kind == "ResolvedCreateFunctionStmt":
            self._functions[name] = types.Function(
                name_path=[name], group="eros", mode=types.FunctionEnums.Mode.SCALAR,
                signature=[_fixed(statement.signature, statement.return_type)],
            )  # fmt: skip
        elif kind == "ResolvedCreateTableFunctionStmt":
            columns = [
                types.TVFRelationColumn(name=c.name, type=c.column.type) for c in statement.output_column_list
            ]
            self._table_functions[name] = types.TableValuedFunction(
                name_path=[name],
                type=types.FunctionEnums.TableValuedFunctionType.FIXED_OUTPUT_SCHEMA_TVF,
                signature=_fixed(statement.signature, relation=types.TVFRelation(column=columns)),
            )
        else:
            return
        self._registered = None


def _fixed(signature, returns=None, relation=None) -> types.FunctionSignature:
    """A signature with the arguments of `signature`, each there once."""
    arguments = [
        types.FunctionArgumentType(
            kind=types.SignatureArgumentKind.ARG_TYPE_FIXED, type=argument.type, num_occurrences=1
        )
        for argument in signature.argument
    ]
    if relation is None:
        result = types.FunctionArgumentType(
            kind=types.SignatureArgumentKind.ARG_TYPE_FIXED, type=returns, num_occurrences=1
        )
    else:
        result = types.FunctionArgumentType(
            kind=types.SignatureArgumentKind.ARG_TYPE_RELATION,
            options=types.FunctionArgumentTypeOptions(relation_input_schema=relation),
            num_occurrences=1,
        )
    return types.FunctionSignature(argument=arguments, return_type=result)


def _one_part_names(sql: str) -> str:
    """`project.dataset.name` in one pair of backticks, which only BigQuery takes apart, in three."""
    return re.sub(rf"`{PROJECT}\.{DATASET}(?:\.(\w+))?`", _in_parts, sql)


def _in_parts(found: re.Match[str]) -> str:
    return f"`{PROJECT}`.`{DATASET}`" + (f".`{found[1]}`" if found[1] else "")


def type_of(text: str):
    """GoogleSQL's type for a name such as INT64 or ARRAY<STRING>."""
    inner = re.fullmatch(r"ARRAY<(\w+)>", text)
    if inner:
        return TypeFactory.create_array_type(type_of(inner[1]))
    return TypeFactory.create_simple_type(NAMES[text])


def text_of(kind) -> str:
    """The name of a type, as contracts write it."""
    if kind.type_kind == TypeKind.TYPE_ARRAY:
        return f"ARRAY<{text_of(kind.array_type.element_type)}>"
    return KINDS.get(kind.type_kind, str(kind.type_kind))


class Evaluator:
    """GoogleSQL's reference implementation: runs queries over rows that are given to it.

    `functions` are the statements that create the project's functions; `tables` are (types by
    column, rows) by name. A name's project and dataset are left out, there is only one.
    """

    def __init__(
        self, functions: Sequence[str], tables: Mapping[str, tuple[Mapping[str, str], Sequence[Mapping]]]
    ) -> None:
        self._options = types.AnalyzerOptions(
            language_options=types.LanguageOptions.maximum_features(), default_timezone="UTC"
        )
        self._options.language_options.product_mode = types.ProductMode.PRODUCT_EXTERNAL
        self._catalog = types.SimpleCatalog(
            name="root",
            table=[
                types.SimpleTable(
                    name=name,
                    column=[types.SimpleColumn(name=c, type=type_of(t)) for c, t in columns.items()],
                )
                for name, (columns, _) in tables.items()
            ],
            custom_function=[_templated(sql) for sql in functions],
            builtin_function_options=types.ZetaSQLBuiltinFunctionOptions(
                language_options=self._options.language_options
            ),
        )
        self._content = {
            name: types.TableContent(
                table_data=types.TableData(
                    row=[
                        types.TableData.Row(cell=[_value(row[column]) for column in columns]) for row in rows
                    ]
                )
            )
            for name, (columns, rows) in tables.items()
        }

    def rows(self, sql: str) -> list[dict]:
        """The rows of a query; raises with GoogleSQL's own message."""
        columns, rows = self._run(sql)
        moments = [name for name, kind in columns if kind.type_kind == TypeKind.TYPE_TIMESTAMP]
        if moments:  # the client loses them on the way back
            counted = ", ".join(f"unix_micros({name}) as {name}" for name in moments)
            _, rows = self._run(f"select * replace ({counted}) from ({sql})")
        for name in moments:
            for row in rows:
                row[name] = None if row[name] is None else MIDNIGHT + timedelta(microseconds=row[name])
        return rows

    def _run(self, sql: str) -> tuple[list[tuple[str, Any]], list[dict]]:
        builder = PreparedQuery.builder().set_sql(_bare_names(sql))
        builder = builder.set_analyzer_options(self._options).set_catalog(self._catalog)
        with builder.set_table_content(self._content).prepare() as query:
            columns = [(column.name, column.type) for column in query.columns]
            found = query.execute().content.table_data
            rows = [
                {name: _python(cell, kind) for (name, kind), cell in zip(columns, row.cell, strict=True)}
                for row in (found.row if found else None) or []
            ]
        return columns, rows


def _bare_names(sql: str) -> str:
    return re.sub(rf"`{PROJECT}(?:`\.`|\.){DATASET}(?:`\.`|\.)(\w+)`", r"`\1`", sql)


def _templated(sql: str) -> types.Function:
    """A function that GoogleSQL runs by its body, from the statement that creates it."""
    found = re.search(
        r"create or replace function `[^`]*\.(\w+)`\s*\((.*?)\)\s*returns\s.*?\sas\s*\((.*)\)[\s;]*$",
        sql,
        re.S,
    )
    assert found, sql
    any_type = types.FunctionArgumentType(
        kind=types.SignatureArgumentKind.ARG_TYPE_ARBITRARY, num_occurrences=1
    )
    arguments = [argument.split()[0] for argument in found[2].split(",")]
    return types.Function(
        name_path=[found[1]],
        group="Templated_SQL_Function",
        mode=types.FunctionEnums.Mode.SCALAR,
        signature=[types.FunctionSignature(argument=[any_type] * len(arguments), return_type=any_type)],
        templated_sql_function_argument_name=arguments,
        parse_resume_location=types.ParseResumeLocation(input=_bare_names(found[3])),
    )


def _value(value: Any) -> types.Value:
    """A Python value for the evaluator."""
    if value is None:
        return types.Value()
    if isinstance(value, bool):
        return types.Value(bool_value=value)
    if isinstance(value, int):
        return types.Value(int64_value=value)
    if isinstance(value, float):
        return types.Value(double_value=value)
    if isinstance(value, str):
        return types.Value(string_value=value)
    if isinstance(value, datetime):
        return ZetaValue.timestamp(value).to_proto()
    if isinstance(value, date):
        return types.Value(date_value=(value - EPOCH).days)
    return types.Value(array_value=types.Value.Array(element=[_value(item) for item in value]))


def _python(cell: types.Value, kind) -> Any:
    """A value of the evaluator for Python; a struct becomes a dict."""
    if kind.type_kind == TypeKind.TYPE_ARRAY:
        array = cell.array_value
        return (
            None if array is None else [_python(e, kind.array_type.element_type) for e in array.element or []]
        )
    if kind.type_kind == TypeKind.TYPE_STRUCT:
        struct = cell.struct_value
        fields = kind.struct_type.field
        return struct and {
            field.field_name: _python(item, field.field_type)
            for field, item in zip(fields, struct.field, strict=True)
        }
    if kind.type_kind == TypeKind.TYPE_DATE:
        return None if cell.date_value is None else EPOCH + timedelta(days=cell.date_value)
    by_kind = {
        TypeKind.TYPE_INT64: cell.int64_value, TypeKind.TYPE_DOUBLE: cell.double_value,
        TypeKind.TYPE_STRING: cell.string_value, TypeKind.TYPE_BOOL: cell.bool_value,
    }  # fmt: skip
    return by_kind.get(kind.type_kind)
