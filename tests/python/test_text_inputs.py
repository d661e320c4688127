"""Text files as people have them: no line is lost, and one bad line stops nothing.

The hooks that read lines are SQL from macros. They are rendered here as dbt would render them and run on an
in-memory DuckDB, so that thousands of files can be tried; runs with real dbt over files of the same kinds are
in test_input_files.py.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import jinja2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.python.harness import ROOT

COLUMNS = ["caption_id", "caption_text", "price_tier", "content_category", "has_urgency"]
LARGE = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TEXTS = st.text(
    st.one_of(
        st.sampled_from("\",;#'\\\n\r\t ab0|é❤"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"),
    ),
    max_size=12,
)
# csv.writer leaves a line end that is not its own without quotes.
WRITERS = [("\r\n", csv.QUOTE_MINIMAL), *((end, csv.QUOTE_ALL) for end in ("\n", "\r\n", "\r"))]
ROWS = st.lists(st.lists(TEXTS, min_size=5, max_size=5), max_size=12)


def literal(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


@cache
def macros(name: str) -> Any:
    """The macros of a file in macros/hooks, as functions."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    environment.globals |= {
        "text_literal": literal,
        "file_list": lambda files: f"[{', '.join(map(literal, files))}]",
    }
    return environment.from_string((ROOT / "macros/hooks" / name).read_text(encoding="utf-8")).module


def read(paths: Sequence[Path], *, is_packed: bool = False) -> list[dict[str, Any]]:
    """The records of CSV files: kind, line_number, line_count, names, values without their quotes."""
    files = [{"path": str(path), "is_whole": not is_packed, "is_packed": is_packed} for path in paths]
    with duckdb.connect() as connection:
        connection.execute(macros("load_text_input.sql").take_lines(files))
        connection.execute(macros("load_csv_rows.sql").find_csv_records(COLUMNS))
        value = macros("load_csv_rows.sql").csv_value("value")
        cursor = connection.execute(
            "select kind, line_number, line_count, names, line,"
            f" list_transform(values, lambda value: {value}) as values"
            " from input_records order by file, line_number"
        )
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def rows_of(records: Iterable[dict[str, Any]]) -> list[list[str | None]]:
    return [record["values"] for record in records if record["kind"] == "row"]


def lines_of(data: bytes) -> int:
    """Lines of a file, by Python."""
    text = data.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + 1


def written(rows: Sequence[Sequence[str]], **dialect: Any) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, **dialect)
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    return buffer.getvalue().encode()


def as_read(rows: Sequence[Sequence[str]]) -> list[list[str | None]]:
    """What a value becomes: nothing is NULL, and a line end within it is a line feed."""
    return [[value.replace("\r\n", "\n").replace("\r", "\n") or None for value in row] for row in rows]


@LARGE
@given(ROWS, st.sampled_from(WRITERS), st.booleans())
def test_what_was_written_is_read(tmp_path_factory, rows, writer, has_mark) -> None:
    line_end, quoting = writer
    path = tmp_path_factory.mktemp("csv") / "captions.csv"
    data = written(rows, lineterminator=line_end, quoting=quoting)
    path.write_bytes((b"\xef\xbb\xbf" if has_mark else b"") + data)
    records = read([path])
    assert rows_of(records) == as_read(rows)
    assert not [record for record in records if record["kind"] == "unreadable"]
    assert sum(record["line_count"] for record in records) == lines_of(data)


DAMAGE = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "cut"]), st.integers(0, 10_000),
        st.sampled_from(['"', ",", "\n", "\r", '""', '"\n', "x", "caption_id,"]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@LARGE
@given(ROWS, DAMAGE)
def test_damage_loses_no_line(tmp_path_factory, rows, damage) -> None:
    """Accepted and unreadable lines, headers and blank ones are the lines of the file, whatever is in it."""
    header, _, text = written(rows, lineterminator="\n").decode().partition("\n")
    for kind, at, what in damage:
        at %= len(text) + 1
        text = {
            "insert": text[:at] + what + text[at:],
            "delete": text[:at] + text[at + 1 :],
            "cut": text[:at],
        }[kind]
    data = f"{header}\n{text}".encode()
    path = tmp_path_factory.mktemp("csv") / "captions.csv"
    path.write_bytes(data)
    records = read([path])
    assert sum(record["line_count"] for record in records) == lines_of(data)
    numbers = [record["line_number"] for record in records]
    assert len(set(numbers)) == len(numbers)
    for record in records:
        assert record["kind"] != "row" or len(record["values"]) == len(record["names"])
        assert record["kind"] != "unreadable" or record["line"] is not None


@LARGE
@given(
    st.lists(st.lists(st.text("ab ,\"'#;", max_size=8), min_size=5, max_size=5), min_size=3, max_size=30),
    st.data(),
)
def test_a_stray_quote_costs_its_own_line_only(tmp_path_factory, rows, data) -> None:
    """The row with the quote is lost, and told; those around it are rows of their own and are not."""
    lines = written(rows, lineterminator="\n").decode().splitlines()
    at = data.draw(st.integers(1, len(lines) - 1))
    lines[at] = '7,"never closed,budget,travel,true'
    path = tmp_path_factory.mktemp("csv") / "captions.csv"
    path.write_text("\n".join(lines) + "\n")
    records = read([path])
    expected = as_read([row for number, row in enumerate(rows, start=1) if number != at])
    assert rows_of(records) == expected
    assert [record["line_number"] for record in records if record["kind"] == "unreadable"] == [at + 1]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_second_header_begins_a_section_with_its_own_columns(tmp_path, line_end) -> None:
    path = tmp_path / "captions.csv"
    lines = [
        ",".join(COLUMNS), "1,old,budget,travel,true", '"2","old, too",mid,travel,', "",
        "Caption_ID,caption_text,price_tier,content_category,has_urgency,device",
        "3,new,budget,travel,true,web", "4,short,budget,travel,true", "",
    ]  # fmt: skip
    path.write_bytes(line_end.join(lines).encode())
    records = read([path])
    assert [len(record["names"]) for record in records if record["kind"] == "row"] == [5, 5, 6]
    assert [record["line_number"] for record in records if record["kind"] == "unreadable"] == [7]
    assert [record["kind"] for record in records if record["kind"] != "row"] == [
        "header", "blank", "header", "unreadable", "blank",
    ]  # fmt: skip


def test_rows_that_look_like_comments_and_text_over_lines_are_rows(tmp_path) -> None:
    path = tmp_path / "captions.csv"
    rows = [["#1", "a\n\nb, c", "x", "", ""], ["2", 'say "hi"', "", "", ""], ["#", "", "", "", ""]]
    path.write_bytes(written(rows))
    assert rows_of(read([path])) == as_read(rows)
    path.write_bytes((",".join(COLUMNS) + '\n1,5" heel,mid,x,\n').encode())
    assert rows_of(read([path])) == [["1", '5" heel', "mid", "x", None]]


def test_mixed_line_ends_are_all_line_ends(tmp_path) -> None:
    path = tmp_path / "captions.csv"
    path.write_bytes(",".join(COLUMNS).encode() + b"\r\n1,a,b,c,\n2,a,b,c,\r3,a,b,c,\r\n4,a,b,c,")
    assert [row[0] for row in rows_of(read([path]))] == ["1", "2", "3", "4"]


def test_many_files_and_packed_ones_are_read_alike(tmp_path) -> None:
    rows = [[str(number), f"text\n{number}", "mid", "x", ""] for number in range(3_000)]
    plain, packed = [], []
    for shard in range(3):
        data = written(rows[shard::3], lineterminator="\n")
        plain.append(tmp_path / f"captions-{shard:012}.csv")
        plain[-1].write_bytes(data)
        packed.append(tmp_path / f"captions-{shard:012}.csv.gz")
        packed[-1].write_bytes(gzip.compress(data))
    found = rows_of(read(plain))
    assert sorted(found) == sorted(as_read(rows))
    assert rows_of(read(packed, is_packed=True)) == found
