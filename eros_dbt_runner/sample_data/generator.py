"""Fictional input data for EROS: four tables that look and behave like an agency's.

Everything is drawn from one seed, so the same arguments give the same files. The data has
something to learn. What a message earns follows from its page, its caption, how the two fit, the
price and the hour, plus noise:

    log EMV = page level + caption effect + pair effect + price and hour effects + noise

A caption text has one effect wherever it goes out, so what it earned on one page says something
about the next. Messages are written in the order of their sending time, a part at a time, so that
memory does not grow with their number.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from eros_dbt_runner.sample_data.bank import (
    caption_bank_table,
    distinct_texts_available,
    legacy_captions_table,
    make_bank,
)
from eros_dbt_runner.sample_data.files import (
    FILE_FORMATS,
    SCHEMAS,
    Progress,
    publish,
    refuse_foreign_files,
    write,
)
from eros_dbt_runner.sample_data.messages import message_tables
from eros_dbt_runner.sample_data.pages import make_pages, restricted_pages, restrictions_table

MINIMUM_CAPTIONS = 50  # fewer leave a price tier without a caption


def generate(
    directory: Path,
    *,
    pages: int = 20,
    captions: int = 4_000,
    messages: int = 20_000,
    days: int = 120,
    seed: int = 1,
    end: datetime,
    file_format: str = "parquet",
    progress: Progress | None = None,
) -> dict[str, int]:
    """Write the four input tables into `directory` and return the number of rows per file name.

    `pages` creators send `messages` messages in the `days` times 24 hours before `end` (aware; the
    newest message is from just before it); the bank holds `captions` captions. `progress` is called
    with a file name, the rows written to it so far and the rows it will have.

    Files of an earlier run are replaced, all at once at the end. Raises ValueError for an argument
    out of range, and FileExistsError, before anything is written, if the directory has an input
    table that this function did not write.
    """
    _check_arguments(pages, captions, messages, days, end, file_format)
    directory.mkdir(parents=True, exist_ok=True)
    refuse_foreign_files(directory)

    rng = np.random.default_rng(seed)
    last_second = int(end.timestamp())
    bank = make_bank(rng, captions)
    creators = make_pages(rng, pages, bank, seed)
    tables: dict[str, tuple[int, Iterator[pa.Table]]] = {
        "caption_bank": (captions, iter([caption_bank_table(bank)])),
        "captions": (captions // 10, iter([legacy_captions_table(rng, bank)])),
        "creator_caption_restrictions": (
            restricted_pages(pages),
            iter([restrictions_table(rng, creators, bank, last_second)]),
        ),
        "mass_messages": (
            messages,
            message_tables(rng, creators, bank, messages, days, last_second),
        ),
    }

    rows: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=directory, prefix=".generating-") as workplace:
        for table, (expected_rows, parts) in tables.items():
            path = Path(workplace, f"{table}.{file_format}")
            rows[path.name] = write(path, SCHEMAS[table], parts, expected_rows, progress)
        publish(Path(workplace), directory, rows)
    return rows


def _check_arguments(
    pages: int, captions: int, messages: int, days: int, end: datetime, file_format: str
) -> None:
    for name, value, least in (
        ("pages", pages, 1),
        ("captions", captions, MINIMUM_CAPTIONS),
        ("messages", messages, 1),
        ("days", days, 1),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}, not {value}")
    most = distinct_texts_available() // 4
    if captions > most:
        raise ValueError(f"captions must be at most {most}, not {captions}")
    if end.tzinfo is None:
        raise ValueError("end must have a time zone")
    if file_format not in FILE_FORMATS:
        raise ValueError(f"file_format must be one of {FILE_FORMATS}, not {file_format!r}")
