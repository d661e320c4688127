"""Compiles the project for BigQuery without an account, so that its SQL can be linted in its own dialect.

The real adapter does it. Only what it would ask BigQuery for is answered here, as by a dataset in which
every table stands and the newest message is of NEWEST, so that both branches of an incremental model can
be had: `compile_bigquery.py FOLDER` writes FOLDER/incremental and FOLDER/full_refresh.
"""

import shutil
import sys
from datetime import date
from pathlib import Path
from typing import Any

import agate
from dbt.adapters.bigquery import BigQueryAdapter
from dbt.adapters.bigquery.connections import BigQueryAdapterResponse, BigQueryConnectionManager
from dbt.cli.main import dbtRunner

NEWEST = date(2025, 6, 1)
BRANCHES: dict[str, list[str]] = {
    "incremental": [],
    # The other models are the same in both.
    "full_refresh": ["--full-refresh", "--select", "config.materialized:incremental,resource_type:model"],
}


class Nothing:
    """What is connected to: whoever asks it for more than to be closed has an error at once."""

    def close(self) -> None:
        """Nothing is open."""


def opened(connection: Any) -> Any:
    """A connection that needs no credentials, because nothing goes over it."""
    connection.state, connection.handle = "open", Nothing()
    return connection


def relation(adapter: Any, database: str, schema: str, identifier: str) -> Any:
    """The table that is asked for, which is always there."""
    return adapter.Relation.create(database=database, schema=schema, identifier=identifier, type="table")


def answer(
    _: BigQueryAdapter, sql: str, *args: Any, **kwargs: Any
) -> tuple[BigQueryAdapterResponse, agate.Table]:
    """What any query gives: one row with one date."""
    rows = agate.Table([[NEWEST]] if "max(sending_date)" in sql else [], ["newest"], [agate.Date()])
    return BigQueryAdapterResponse(_message="not asked"), rows


def main(folder: Path) -> None:
    """Compile both branches into `folder`."""
    BigQueryConnectionManager.open = staticmethod(opened)
    BigQueryAdapter.get_relation = relation
    BigQueryAdapter.get_columns_in_relation = lambda *_: []
    BigQueryAdapter.execute = answer
    for branch, flags in BRANCHES.items():
        shutil.rmtree(folder / branch / "compiled", ignore_errors=True)
        outcome = dbtRunner().invoke(
            [
                "--quiet", "compile", "--target", "bigquery", "--target-path", str(folder / branch),
                "--no-populate-cache", "--exclude", "test_type:generic", "test_type:unit", *flags,
            ]
        )  # fmt: skip
        if not outcome.success:
            sys.exit(
                f"The project does not compile for BigQuery ({branch}): {outcome.exception or 'see above'}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
