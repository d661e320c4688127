"""BigQuery's stand-in: the emulator as a process, and the real client to load and read it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.python.harness import SCHEMA, Row

PROJECT = "of-scheduler-proj"
START_SECONDS = 60


class Emulator:
    """A running emulator; `endpoint` is where it answers."""

    def __init__(self, endpoint: str) -> None:
        from google.auth.credentials import AnonymousCredentials
        from google.cloud import bigquery

        self.endpoint = endpoint
        self.env = {"EROS_BIGQUERY_ENDPOINT": endpoint}
        self._bigquery = bigquery
        self.client = bigquery.Client(
            project=PROJECT,
            credentials=AnonymousCredentials(),
            client_options={"api_endpoint": endpoint},
            location="US",
            default_query_job_config=bigquery.QueryJobConfig(default_dataset=f"{PROJECT}.{SCHEMA}"),
        )
        self.client.create_dataset(f"{PROJECT}.{SCHEMA}", exists_ok=True)

    def load(self, folder: Path) -> None:
        """Replace the tables named after the Parquet files in `folder` by what those hold."""
        for file in sorted(folder.glob("*.parquet")):
            config = self._bigquery.LoadJobConfig(
                schema=[_field(self._bigquery, field) for field in pq.read_schema(file)],
                source_format="PARQUET",
                write_disposition="WRITE_TRUNCATE",
            )
            with file.open("rb") as content:
                self.client.load_table_from_file(
                    content, f"{PROJECT}.{SCHEMA}.{file.stem}", job_config=config
                ).result(timeout=60)

    def query(self, sql: str) -> list[Row]:
        """The rows of a query, or none of a statement; values as DuckDB's client gives them."""
        result = self.client.query(sql, retry=None, job_retry=None).result(timeout=120)
        return [{name: _plain(value) for name, value in row.items()} for row in result]

    def make_procedure(self, name: str) -> None:
        """A stored procedure that does nothing, as left by somebody else."""
        routine = self._bigquery.Routine(
            f"{PROJECT}.{SCHEMA}.{name}", type_="PROCEDURE", language="SQL", body="begin select 1; end"
        )
        self.client.create_routine(routine)

    def jobs(self) -> list[Any]:
        """Every query job that the emulator has seen."""
        return [job for job in self.client.list_jobs(max_results=100_000) if job.job_type == "query"]

    def statements(self) -> list[str]:
        """Every statement that dbt sent, known by its comment, in its order."""
        jobs = self.jobs()
        return [
            job.query for job in sorted(jobs, key=lambda job: job.created) if '{"app": "eros"' in job.query
        ]


@contextmanager
def running(home: Path) -> Iterator[Emulator]:
    """An emulator without any data, until the block ends; `home` takes its files."""
    _install_extension(home)
    port = _free_port()
    with (home / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            [
                Path(sys.executable).with_name("bqemulator"), "start", "--ephemeral",
                "--rest-port", str(port), "--grpc-port", str(_free_port()), "--log-level", "error",
            ],
            env={**os.environ, "HOME": str(home)}, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait_for(endpoint, process, home / "emulator.log")
        yield Emulator(endpoint)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _install_extension(home: Path) -> None:
    """Put DuckDB's spatial extension where the emulator looks, which otherwise would download it."""
    code = "import duckdb_extensions; duckdb_extensions.import_extension('spatial')"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "HOME": str(home)}, check=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(endpoint: str, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/bigquery/v2/projects/{PROJECT}/datasets", timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, f"the emulator did not start: {log.read_text()}"
            time.sleep(0.1)


def _field(bigquery: Any, field: pa.Field) -> Any:
    """The column of BigQuery that holds what a column of a Parquet file holds."""
    repeated = pa.types.is_list(field.type)
    arrow = field.type.value_type if repeated else field.type
    names = {pa.int64(): "INT64", pa.float64(): "FLOAT64", pa.string(): "STRING", pa.bool_(): "BOOL"}
    name = "TIMESTAMP" if pa.types.is_timestamp(arrow) else names[arrow]
    return bigquery.SchemaField(field.name, name, mode="REPEATED" if repeated else "NULLABLE")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).replace(tzinfo=None)
    return float(value) if isinstance(value, Decimal) else value
