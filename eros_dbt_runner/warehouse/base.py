"""What the commands can ask of a database, on either engine.

Values from people reach SQL only as bound parameters, written `?`. Times come back as aware UTC
datetimes. Statements over the tables of the project stand where they are needed, in words that both
engines take.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from eros_dbt_runner.errors import ErosError, RunFailedError
from eros_dbt_runner.warehouse.catalogue import Catalogue

SCHEMA = "eros_scheduling_brain"
Row = dict[str, Any]
# A thing of the schema: its name, and its kind as in owned_objects.py.
Object = tuple[str, str]
AnyWarehouse = TypeVar("AnyWarehouse", bound="Warehouse")


class Warehouse(ABC):
    """The tables of one dataset; a context manager."""

    # Whether other machines write to it, of whose runs the lock of this one does not know.
    is_shared = False

    def __enter__(self: AnyWarehouse) -> AnyWarehouse:
        """Nothing to do: the constructor has connected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the database."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def rows(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        made_by: str = "daily",
        stop_after: float | None = None,
    ) -> list[Row]:
        """The result of a statement, one dict per row.

        Raises ErosError (CANNOT_START) that names the schedule `made_by` when a table or a function
        is not there yet, RUN_FAILED when the engine refuses or `stop_after` seconds have passed.
        """

    def rows_if_there(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """As `rows`, but nothing where the tables are missing: a first run that failed early."""
        try:
            return self.rows(sql, parameters)
        except ErosError:
            return []

    @abstractmethod
    def catalogue(self) -> Catalogue:
        """What the dataset holds; raises ErosError (CANNOT_START) when there is no dataset to ask."""

    @abstractmethod
    def check(self, sql: str) -> None:
        """Have a query planned and not run; raises ErosError as `rows` does if that cannot be."""

    def function(self, name: str) -> str:
        """How SQL calls a function of the project."""
        return name

    def table(self, name: str) -> str:
        """How SQL names a table of the schema."""
        return f"{SCHEMA}.{name}"

    def quoted(self, column: str) -> str:
        """A column's name as SQL takes it even where it is a reserved word."""
        return f'"{column}"'

    def bytes_billed(self, _sql: str) -> int:
        """The bytes that a statement would bill: none, where nobody bills."""
        return 0

    @abstractmethod
    def objects(self) -> set[Object]:
        """Every table, view and function of the schema, whoever made it."""

    @abstractmethod
    def definitions(self) -> list[Row]:
        """The name, kind and SQL of every view and function that may read the schema's tables."""

    @abstractmethod
    def drop(self, objects: Iterable[Object]) -> None:
        """Drop these objects; on DuckDB all or none. Names must be of ours.

        Raises ErosError (RUN_FAILED) when the engine refuses.
        """

    def row_counts(self, tables: Iterable[str]) -> dict[str, int]:
        """The number of rows of each table."""
        counts = " union all ".join(
            f"select '{name}' as name, count(*) as n from {self.table(name)}"  # noqa: S608 - of ours
            for name in sorted(tables)
        )
        return {row["name"]: row["n"] for row in self.rows(counts)} if counts else {}


def stopped(seconds: float | None) -> ErosError:
    """The error of a statement that took longer than `seconds`."""
    return RunFailedError(f"The query was stopped after {seconds or 0:g} s.")
