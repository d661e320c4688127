"""The tables in a DuckDB file."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eros_dbt_runner.errors import CannotStartError, RunFailedError, one_sentence
from eros_dbt_runner.warehouse.base import SCHEMA, Object, Row, Warehouse, stopped
from eros_dbt_runner.warehouse.catalogue import Catalogue, Column, routine_kind, standard_type
from eros_dbt_runner.warehouse.lock import Deadline, TornError, connect_when_free, is_torn_error, tell_nobody

if TYPE_CHECKING:
    import duckdb

COPY_BYTES = 2**20
# DuckDB's write-ahead logs: what is not in the file yet, also while and after a checkpoint.
LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")


def has_table(database: Path, table: str) -> bool:
    """Whether a DuckDB file has a table of that name in the schema; False where it cannot be seen."""
    import duckdb

    if not database.exists():
        return False
    try:
        with duckdb.connect(str(database), read_only=True) as connection, _without_pandas():
            query = "select 1 from duckdb_tables() where table_name = ? and schema_name = ?"
            return connection.execute(query, [table, SCHEMA]).fetchone() is not None
    except duckdb.Error:
        return False


class DuckDbWarehouse(Warehouse):
    """A connection to the DuckDB file."""

    def __init__(
        self,
        database: Path,
        deadline: Deadline,
        on_wait: Callable[[str], None],
        *,
        read_only: bool = True,
        connection: "duckdb.DuckDBPyConnection | None" = None,
    ) -> None:
        """Open the file as soon as no run is writing it; raises as `connect` does.

        A `connection` that is given is used instead, and closed in the end.
        """
        if not database.exists():
            raise CannotStartError(
                f"There is no database at {database} yet; `eros run performance` and then"
                " `eros run daily` make it."
            )
        self._path = database
        self._kept_open: list[int] = []
        self._connection = connection or connect_when_free(database, deadline, on_wait, read_only=read_only)
        self._connection.execute("set enable_progress_bar = false")  # it would stand in what we print
        if self._has_schema():
            self._connection.execute(f"use {SCHEMA}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        for descriptor in self._kept_open:
            os.close(descriptor)

    def _has_schema(self) -> bool:
        sql = (
            f"select 1 from duckdb_schemas() where schema_name = '{SCHEMA}'"  # noqa: S608
            " and database_name = current_database()"
        )
        return self._connection.execute(sql).fetchone() is not None

    def catalogue(self) -> Catalogue:
        """As in Warehouse."""
        here = "database_name = current_database() and schema_name = ?"
        relations: dict[str, tuple[Column, ...]] = {}
        for row in self.rows(
            f"select table_name, column_name, data_type from duckdb_columns() where {here}"  # noqa: S608
            " order by table_name, column_index",
            [SCHEMA],
        ):
            column = Column(row["column_name"], standard_type(row["data_type"]))
            relations[row["table_name"]] = (*relations.get(row["table_name"], ()), column)
        routines = self.rows(
            f"select function_name, function_type from duckdb_functions() where {here}",  # noqa: S608
            [SCHEMA],
        )
        kinds = {row["function_name"]: routine_kind(row["function_type"]) for row in routines}
        return Catalogue(relations, kinds, has_partitions=False)

    def check(self, sql: str) -> None:
        """As in Warehouse."""
        self.rows(f"explain {sql}")

    def rows(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        made_by: str = "daily",
        stop_after: float | None = None,
    ) -> list[Row]:
        """As in Warehouse."""
        import duckdb

        try:
            with self._interrupted_after(stop_after), _without_pandas():
                cursor = self._connection.execute(sql, list(map(_naive, parameters)))
        except duckdb.CatalogException as error:
            what = one_sentence(str(error).splitlines()[0])
            raise CannotStartError(
                f"{self._path} is not complete ({what}); run `eros run {made_by}` first."
            ) from None
        except duckdb.InterruptException:
            raise stopped(stop_after) from None
        except duckdb.Error as error:
            if is_torn_error(str(error)):
                raise TornError(self._path, str(error)) from None
            message = one_sentence(str(error))
            raise RunFailedError(f"The query failed: {message}") from None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _interrupted_after(self, seconds: float | None) -> Iterator[None]:
        """Stop the statement that runs in the block when `seconds` have passed; None: never."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def objects(self) -> set[Object]:
        """As in Warehouse."""
        found = self.rows(
            "select table_name as name, 'table' as kind from duckdb_tables()"
            " where database_name = current_database() and schema_name = ?"
            " union all select view_name, 'view' from duckdb_views()"
            " where database_name = current_database() and schema_name = ?"
            " union all select function_name, if(function_type = 'macro', 'function', 'table function')"
            " from duckdb_functions() where function_type in ('macro', 'table_macro')"
            " and database_name = current_database() and schema_name = ?",
            [SCHEMA] * 3,
        )
        return {(row["name"], row["kind"]) for row in found}

    def definitions(self) -> list[Row]:
        """As in Warehouse: of every schema, what is not in ours with its schema's name."""
        return self.rows(
            "select if(schema_name = ?, name, schema_name || '.' || name) as name, kind, sql from ("
            "select schema_name, view_name as name, 'view' as kind, sql from duckdb_views()"
            " where not internal and database_name = current_database()"
            " union all select schema_name, function_name,"
            " if(function_type = 'macro', 'function', 'table function'), macro_definition"
            " from duckdb_functions() where function_type in ('macro', 'table_macro')"
            " and not internal and database_name = current_database()) as found",
            [SCHEMA],
        )

    def drop(self, objects: Iterable[Object]) -> None:
        """As in Warehouse, in one transaction."""
        with self._transaction():
            self._drop(objects)

    def _drop(self, objects: Iterable[Object]) -> None:
        words = {"function": "macro", "table function": "macro table"}
        for name, kind in objects:
            self.rows(f"drop {words.get(kind, kind)} {SCHEMA}.{name}")

    def copy_file(self, to: Path) -> None:
        """Write the database to the one file `to`, as it stands, while nobody else can change it.

        The original is only read. Raises OSError when `to` cannot be written.
        """
        self.copy_with_log(to)
        with DuckDbWarehouse(to, Deadline(0), tell_nobody, read_only=False) as copied:
            copied.rows("checkpoint")

    def copy_with_log(self, to: Path) -> None:
        """As copy_file, but what stands in the log stands in a log beside the copy."""
        for ending in ("", *LOGS):
            source = self._path.with_name(self._path.name + ending)
            if source.exists():
                self._copy(source, to.with_name(to.name + ending))

    def _copy(self, source: Path, to: Path) -> None:
        # Closing any descriptor of a file takes this process's POSIX locks off it, DuckDB's included:
        # this one has to outlive the connection.
        descriptor = os.open(source, os.O_RDONLY)
        self._kept_open.append(descriptor)
        with open(descriptor, "rb", closefd=False) as original, to.open("wb") as copy:
            shutil.copyfileobj(original, copy, COPY_BYTES)
            copy.flush()
            os.fsync(copy.fileno())

    def read_all(self) -> None:
        """Read every value of every table, and with that each block's checksum; raises TornError."""
        for row in self.rows(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ):
            schema, table = (row[name].replace('"', '""') for name in ("schema_name", "table_name"))
            self.rows(f'select bit_xor(hash(t)) as hashes from "{schema}"."{table}" as t')  # noqa: S608

    def take_tables(self, file: Path, rows: Mapping[str, int], instead_of: Iterable[Object]) -> None:
        """Put the tables named in `rows` in from the database `file`, `instead_of` what goes.

        All of it happens or nothing, however this process ends. Raises ErosError (RUN_FAILED) when
        the engine refuses, or when a table does not have its number of rows in the end.
        """
        self.rows(f"attach {_literal(str(file))} as eros_copy (read_only)")
        try:
            creations = self.rows(
                "select table_name, sql from duckdb_tables()"
                " where database_name = 'eros_copy' and schema_name = ?",
                [SCHEMA],
            )
            with self._transaction():
                self.rows(f"create schema if not exists {SCHEMA}")
                self._drop(instead_of)
                for name, sql in ((row["table_name"], row["sql"]) for row in creations):
                    if name in rows:
                        self.rows(sql)
                        self.rows(f"insert into {SCHEMA}.{name} from eros_copy.{SCHEMA}.{name}")
                if self.row_counts(rows) != dict(rows):
                    raise RunFailedError(f"{file} does not hold the rows that it should.")
        finally:
            self.rows_if_there("detach eros_copy")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.rows("begin")
        try:
            yield
            self.rows("commit")
        except BaseException:
            self.rows_if_there("rollback")
            raise


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Keep DuckDB's client from importing pandas, just to see whether a parameter is one of its values.

    That would be a quarter of a second, half of what a command takes that only reads.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pandas"]


def _literal(text: str) -> str:
    """`text` as SQL writes it, for the one statement that takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def _naive(value: Any) -> Any:
    """A moment as DuckDB's TIMESTAMP holds it: UTC without a zone."""
    return value.astimezone(timezone.utc).replace(tzinfo=None) if isinstance(value, datetime) else value


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) else value
