"""The four tables: what they hold, and how they become files."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

Progress = Callable[[str, int, int], None]
MANIFEST_NAME = "generated.json"
FILE_FORMATS = ("parquet", "csv")
UTC_TIMESTAMP = pa.timestamp("us", tz="UTC")


def _schema(columns: dict[str, pa.DataType]) -> pa.Schema:
    """A schema; pyarrow's own signature makes a type checker take mixed types for objects."""
    return pa.schema(columns)


SCHEMAS: dict[str, pa.Schema] = {
    "mass_messages": _schema(
        {
            "row_id": pa.int64(),
            "page_name": pa.string(),
            "message": pa.string(),
            "sending_time": UTC_TIMESTAMP,
            "price": pa.float64(),
            "sent_count": pa.int64(),
            "viewed_count": pa.int64(),
            "purchased_count": pa.float64(),  # as in production
            "earnings": pa.float64(),
            "message_type": pa.string(),
            "caption_id": pa.int64(),
        }
    ),
    "caption_bank": _schema(
        {
            "caption_id": pa.int64(),
            "caption_text": pa.string(),
            "content_category": pa.string(),
            "price_tier": pa.string(),
            "has_urgency": pa.bool_(),
            "avg_revenue": pa.float64(),
            "overall_performance_score": pa.float64(),
            "usage_status": pa.string(),
        }
    ),
    "captions": _schema(
        {
            "caption_id": pa.int64(),
            "caption_text": pa.string(),
            "price_tier": pa.string(),
            "content_category": pa.string(),
            "has_urgency": pa.bool_(),
        }
    ),
    "creator_caption_restrictions": _schema(
        {
            "page_name": pa.string(),
            "hard_patterns": pa.list_(pa.string()),
            "soft_patterns": pa.list_(pa.string()),
            "restricted_categories": pa.list_(pa.string()),
            "restricted_price_tiers": pa.list_(pa.string()),
            "applies_to_scope": pa.string(),
            "min_ppv_pool": pa.int64(),
            "min_bump_pool": pa.int64(),
            "is_active": pa.bool_(),
            "updated_at": UTC_TIMESTAMP,
            "version": pa.int64(),
        }
    ),
}


def pick(values: Sequence[str], index: np.ndarray) -> pa.Array[Any]:
    """The values at these places."""
    return pa.array(values, pa.string()).take(pa.array(index))


def table(name: str, columns: dict[str, pa.Array[Any]]) -> pa.Table:
    """The table of that name, its columns in the order of its schema."""
    schema = SCHEMAS[name]
    return pa.Table.from_arrays([columns[column] for column in schema.names], schema=schema)


class _CsvWriter:
    """Like pyarrow's Parquet writer: arrays as JSON text, NULL as nothing, times in UTC."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._csv = csv.writer(self._file, lineterminator="\n")
        self._csv.writerow(schema.names)

    def write_table(self, table: pa.Table) -> None:
        columns = (map(_csv_text, column.to_pylist()) for column in table.columns)
        self._csv.writerows(zip(*columns, strict=True))

    def __enter__(self) -> _CsvWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _csv_text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    return value


def write(
    path: Path,
    schema: pa.Schema,
    parts: Iterator[pa.Table],
    expected_rows: int,
    progress: Progress | None,
) -> int:
    """Write a table part by part; gives its number of rows."""
    rows = 0
    is_csv = path.suffix == ".csv"
    with _CsvWriter(path, schema) if is_csv else pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
            if progress is not None:
                progress(path.name, rows, expected_rows)
    return rows


def _input_files(directory: Path) -> list[Path]:
    """The files of `directory` that EROS would read as an input table, sorted."""
    names = {f"{table}.{suffix}" for table in SCHEMAS for suffix in FILE_FORMATS}
    return sorted(path for path in directory.iterdir() if path.name in names)


def refuse_foreign_files(directory: Path) -> None:
    """Somebody's own export must not be lost: only a table that is as it was written may go."""
    manifest = directory / MANIFEST_NAME
    written = json.loads(manifest.read_text("utf-8"))["bytes"] if manifest.exists() else {}
    foreign = [path.name for path in _input_files(directory) if written.get(path.name) != path.stat().st_size]
    if foreign:
        raise FileExistsError(
            f"{directory} has input tables that the generator did not make: {', '.join(foreign)}. "
            "Choose another directory or move them away."
        )


def publish(workplace: Path, directory: Path, rows: dict[str, int]) -> None:
    """Put the new files in place of the old ones, with a note of what was written."""
    for old in _input_files(directory):
        old.unlink()
    sizes = {name: (workplace / name).stat().st_size for name in sorted(rows)}
    note = json.dumps({"made_by": "eros sample-data", "bytes": sizes}, indent=2)
    (directory / MANIFEST_NAME).write_text(note + "\n", "utf-8")
    for name in rows:
        (workplace / name).replace(directory / name)
