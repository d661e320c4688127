"""Inputs as people have them, in real runs: how files are named, written and packed, whose they are."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import AS_OF, ROOT, Project

pytestmark = pytest.mark.slow

HEADER = (
    "row_id,page_name,message,sending_time,price,sent_count,viewed_count,purchased_count,earnings,"
    "message_type,caption_id"
)
TEXTS = [
    row["caption_text"]
    for row in csv.DictReader(
        (ROOT / "sample_data/caption_bank.csv").read_text(encoding="utf-8").splitlines()
    )
]


def line(row_id: int, **changes: str) -> str:
    """A line of mass_messages.csv whose text is a caption of the bank."""
    row = {
        "row_id": str(row_id), "page_name": "pine_creek", "message": TEXTS[row_id], "caption_id": "",
        "sending_time": "2025-06-12T10:00:00Z", "price": "5.0", "sent_count": "100", "viewed_count": "50",
        "purchased_count": "2", "earnings": "10.0", "message_type": "ppv",
    } | changes  # fmt: skip
    return ",".join(f'"{row[name]}"' if name == "message" else row[name] for name in HEADER.split(","))


def inputs(project: Project) -> Path:
    """The shipped sample as the project's own inputs, without its messages."""
    shutil.rmtree(project.data_dir, ignore_errors=True)
    shutil.copytree(ROOT / "sample_data", project.data_dir)
    (project.data_dir / "generated.json").unlink()
    (project.data_dir / "mass_messages.csv").unlink()
    return project.data_dir


def counts(project: Project) -> dict[str, Any]:
    return project.query("select * from input_reconciliation where source_name = 'mass_messages'")[0]


def reasons(project: Project) -> dict[str, str]:
    return {row["row_key"]: row["rejection_reason"] for row in project.query("select * from rejected_rows")}


def test_one_bad_line_stops_nothing_and_is_told_with_its_number(project: Project) -> None:
    """A second header, a comment, an unquoted comma, a stray quote, a blank line: all 60 rows are read."""
    lines = [HEADER, *(line(number) for number in range(1, 31))]
    lines += ["", f"{HEADER},device", *(f"{line(number)},web" for number in range(31, 61))]
    lines[5] = lines[5].replace("pine_creek", "#pine_creek")
    lines.insert(10, "900,pine_creek,hello, you,2025-06-12T10:00:00Z,5.0,100,50,2,10.0,ppv,")
    lines.insert(20, '901,pine_creek,"hello,2025-06-12T10:00:00Z,5.0,100,50,2,10.0,ppv,')
    (inputs(project) / "mass_messages.csv").write_bytes("\r\n".join(lines).encode())
    project.run("performance", code=None)
    assert counts(project)["rows_accepted"] == 60
    assert (counts(project)["rows_read"], counts(project)["rows_in_source"]) == (62, 62)
    assert reasons(project) == {
        "mass_messages.csv:11": "the line has 12 values, its header 11",
        "mass_messages.csv:21": "a quote is opened and not closed",
    }
    assert project.query("select count(*) as n from message_outcomes") == [{"n": 60}]
    # The reading commands need no files, and a run over the same files reads them no more.
    project.eros("verify", code=None)
    shutil.rmtree(project.data_dir)
    assert counts(project)["rows_read"] == 62


VALUES = {
    "1": {"sending_time": "14/6/25 10:00"},
    "2": {"sending_time": "2025-06-12 10:00:00 BST"},
    "3": {"sending_time": "1999-06-12 10:00:00"},
    "4": {"sending_time": "2025-06-12T10:00Z"},
    "5": {"caption_id": "0"},
    "6": {"caption_id": "-999999999999"},
    "7": {"caption_id": "1.23457E+17"},
    "8": {"caption_id": "NaN", "price": "NaN", "purchased_count": "nan"},
}


def test_values_are_read_or_named(project: Project) -> None:
    lines = [HEADER, *(line(number, **VALUES.get(str(number), {})) for number in range(1, 80))]
    (inputs(project) / "mass_messages.csv").write_text("\n".join(lines), encoding="utf-8")
    project.run("performance")
    assert reasons(project) == {
        "1": "sending_time has a year of two digits",
        "2": "sending_time names a time zone other than UTC and GMT",
        "3": "sending_time is before 2015",
    }
    found = {row["row_id"]: row["caption_id"] for row in project.query("select * from message_outcomes")}
    bank = project.query(
        "select caption_key_v2(caption_text) as key, * from stg_caption_bank order by caption_id desc"
    )
    ids = {row["key"]: row["caption_id"] for row in bank}
    keys = {row["caption_text"]: row["key"] for row in bank}
    for number in (4, 5, 6, 7, 8):
        assert found[number] == ids[keys[TEXTS[number]]], number


def ndjson(lines: list[str]) -> bytes:
    rows = csv.DictReader([HEADER, *lines])
    return "\n".join(
        json.dumps({k: v or None for k, v in row.items() if k != "caption_id"}) for row in rows
    ).encode()


def parquet(lines: list[str], path: Path, *, as_bytes: bool = False) -> None:
    """Parquet without a caption_id, as production has it; `as_bytes` stores texts as bytes."""
    path.with_suffix(".txt").write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    text = "encode({0}) as {0}" if as_bytes else "{0}"
    replaced = ", ".join(text.format(name) for name in ("page_name", "message"))
    query = f"select row_id, {replaced}, * exclude (row_id, page_name, message, caption_id)"
    duckdb.sql(f"{query} from read_csv('{path.with_suffix('.txt')}')").write_parquet(str(path))
    path.with_suffix(".txt").unlink()


FORMS: dict[str, Callable[[Path, list[str]], object]] = {
    "shards of Parquet": lambda d, lines: [
        parquet(lines[:20], d / "mass_messages-000000000000.parquet"),
        parquet(lines[20:], d / "mass_messages-000000000001.parquet"),
    ],
    "texts as bytes": lambda d, lines: parquet(lines, d / "mass_messages.parquet", as_bytes=True),
    "a folder of parts": lambda d, lines: [
        (d / "mass_messages").mkdir(),
        (d / "mass_messages/_SUCCESS").touch(),
        (d / "mass_messages/part-0.csv").write_text("\n".join([HEADER, *lines[:20]])),
        (d / "mass_messages/part-1.csv").write_text("\n".join([HEADER, *lines[20:]])),
    ],
    "packed shards": lambda d, lines: [
        (d / f"mass_messages_{n:03}.csv.gz").write_bytes(gzip.compress("\n".join([HEADER, *part]).encode()))
        for n, part in enumerate([lines[:20], lines[20:]])
    ],
    "packed under a wrong name": lambda d, lines: (d / "mass_messages.csv").write_bytes(
        gzip.compress("\n".join([HEADER, *lines]).encode())
    ),
    "JSON": lambda d, lines: (d / "mass_messages.json").write_bytes(ndjson(lines)),
    "packed JSON": lambda d, lines: (d / "mass_messages-000.ndjson.gz").write_bytes(
        gzip.compress(ndjson(lines))
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_exports_as_they_come(project: Project, form: str) -> None:
    FORMS[form](inputs(project), [line(number) for number in range(1, 41)])
    project.run("performance")
    assert counts(project)["rows_accepted"] == counts(project)["rows_in_source"] == 40
    assert project.query("select count(*) as n from message_outcomes") == [{"n": 40}]


REFUSED: dict[str, tuple[bytes, str]] = {
    "semicolons": (f"{HEADER}\n{line(1)}".replace(",", ";").encode(), "is separated by semicolons: export"),
    "Windows-1252": (f"{HEADER}\n{line(1, message='café')}".encode("cp1252"), "is not UTF-8 text (Windows"),
    "UTF-16": (f"{HEADER}\n{line(1)}".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
    "Parquet": (b"PAR1\xff\xfe", "is a Parquet file"),
    "a spreadsheet": (b"PK\x03\x04\xff\xfe", "is a zip archive or a spreadsheet"),
    "no header": (f"{line(1)}\n{line(2)}".encode(), "does not begin with a line of column names"),
    "a column twice": (f"{HEADER},price\n".encode(), "names the column price twice in line 1"),
    "a second header": (
        f"{HEADER}\n{line(1)}\nrow_id,page_name,message\n".encode(), "lacks the columns sending_time, price",
    ),
    "nothing": (b"", "is empty"),
}  # fmt: skip


def test_what_cannot_be_read_is_one_sentence_with_the_cure(project: Project) -> None:
    folder = inputs(project)
    for name, (data, sentence) in REFUSED.items():
        (folder / "mass_messages.csv").write_bytes(data)
        why = project.run("performance", code=ExitCode.CANNOT_START).json["problems"][0]["why"]
        assert why.startswith("input table mass_messages"), f"{name}: dbt's own words stand around {why}"
        assert "in macro" not in why, name
        assert sentence in why, name
    (folder / "mass_messages-000.csv").write_text(HEADER)
    why = project.run("performance", code=ExitCode.CANNOT_START).json["problems"][0]["why"]
    assert "is there twice" in why


# ---- whose inputs they are ----


def test_a_clone_works_with_the_sample_and_says_so(project: Project) -> None:
    """Nothing is set and there is no data/: plain `dbt build` gives a plan, as of the sample's own end."""
    shutil.rmtree(project.data_dir, ignore_errors=True)
    shutil.copytree(ROOT / "sample_data", project.directory / "sample_data")
    told = project.dbt("build", "--exclude-resource-type", "unit_test").stdout
    assert "sample data: all of it is invented" in told
    assert project.query("select count(*) as n from schedule_recommendations_messages")[0]["n"] > 10
    report = project.run("performance", as_of=None).json
    assert (report["as_of"], report["status"]) == ("2025-06-15T12:00:00Z", "SUCCESS")
    assert report["inputs"].endswith("sample_data (sample data: all of it is invented)")
    assert report["database"] == str(project.database)
    plan = project.eros("schedule").stdout
    assert "sample data: all of it is invented" in plan
    assert str(project.database) in plan


def test_the_sample_never_takes_the_place_of_real_inputs(project: Project) -> None:
    shutil.copytree(ROOT / "sample_data", project.directory / "sample_data")
    folder = inputs(project)
    (folder / "mass_messages.csv").write_text("\n".join([HEADER, *(line(number) for number in range(1, 41))]))
    project.run("performance")
    before = project.table("message_outcomes")
    folder.rename(project.directory / "lost")
    result = project.run("performance", code=ExitCode.CANNOT_START).json
    assert "never takes their place" in result["problems"][0]["why"]
    assert "eros sample-data" not in str(result)
    told = project.dbt("build", "--select", "staging", code=None).stdout
    assert "never takes their place" in told
    (project.directory / "empty").mkdir()
    why = project.run("performance", env={"EROS_DATA_DIR": "empty"}, code=ExitCode.CANNOT_START).json
    assert "input table" in why["problems"][0]["why"]
    assert project.table("message_outcomes") == before


def test_what_came_from_a_sample_is_not_mixed_with_real_inputs(project: Project) -> None:
    """A clone was tried with the sample, then comes the export; its row_ids are the sample's by chance."""
    shutil.copytree(ROOT / "sample_data", project.data_dir)
    project.run("performance")
    folder = inputs(project)
    (folder / "mass_messages.csv").write_text("\n".join([HEADER, *(line(number) for number in range(1, 41))]))
    report = project.run("performance").json
    assert (report["rejected_rows"], report["messages_kept"]) == ({}, 0)
    [counted] = project.query("select count(*) as n from mass_messages_checked")
    assert counted["n"] == 40


def test_the_moment_of_the_sample_is_that_of_its_newest_message() -> None:
    """Else a clone would plan a day on which nobody is active, or one that the sample does not reach."""
    settings = (ROOT / "dbt_project.yml").read_text(encoding="utf-8")
    assert f'sample_as_of: "{AS_OF:%Y-%m-%dT%H:%M:%SZ}"' in settings
    rows = csv.DictReader((ROOT / "sample_data/mass_messages.csv").read_text(encoding="utf-8").splitlines())
    newest = max(row["sending_time"] for row in rows if row["sending_time"] <= "2025-06-15T12:00:00Z")
    assert newest >= "2025-06-15T00:00:00Z"
