"""`eros export`: what people get, and the row that each attempt leaves."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import requests

from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.export.sheets import write_worksheet
from tests.python.harness import Project

ZONE = ZoneInfo("America/Los_Angeles")
DAY = "2025-06-15"
FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "＝1+1", "https://example.com")


def log(project: Project) -> list[dict]:
    return project.query("select * from schedule_export_log order by schedule_id nulls first")


def expected(project: Project) -> list[dict]:
    return project.query(
        "select * from schedule_recommendations_messages where schedule_is_active"
        " order by page_name, scheduled_send_time, time_slot_rank"
    )


@pytest.fixture
def armed(built: Project) -> Project:
    """A schedule whose captions look like formulas."""
    ids = built.query(
        "select distinct caption_id from schedule_recommendations_messages order by all limit 8"
    )
    for text, row in zip(FORMULAS, ids, strict=True):
        built.execute(
            "update schedule_recommendations_messages set caption_text = ? where caption_id = ?",
            [text, row["caption_id"]],
        )
    return built


def test_a_csv_has_every_message_in_the_agencys_time_and_no_formula(armed):
    text = armed.eros("export", "--date", DAY).stdout
    assert text.startswith("\ufeffDate,Time (America/Los_Angeles),Weekday,Page,")
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    rows = expected(armed)
    assert [int(line["Caption ID"]) for line in lines] == [row["caption_id"] for row in rows]
    for line, row in zip(lines, rows, strict=True):
        local = row["scheduled_send_time"].replace(tzinfo=ZoneInfo("UTC")).astimezone(ZONE)
        assert (line["Date"], line["Time (America/Los_Angeles)"]) == (DAY, f"{local:%H:%M}")
        assert not line["Caption"].lstrip(" ").startswith(("=", "+", "-", "@", "\t", "＝"))
        assert line["Caption"].removeprefix("'") == row["caption_text"]
    assert sum(line["Caption"].startswith("'") for line in lines) >= len(FORMULAS) - 1


def test_a_workbook_holds_texts_and_no_formula(armed, tmp_path):
    file = tmp_path / "day.xlsx"
    armed.eros("export", "--date", DAY, "--format", "xlsx", "--output", str(file))
    sheet = openpyxl.load_workbook(file).active
    header, *lines = sheet.iter_rows()
    column = [cell.value for cell in header].index("Caption")
    assert [line[column].value for line in lines] == [row["caption_text"] for row in expected(armed)]
    assert {line[column].data_type for line in lines} == {"s"}
    assert all(cell.hyperlink is None for line in lines for cell in line)
    assert {row["export_format"] for row in log(armed)} == {"XLSX"}


def test_json_of_one_schedule_has_the_columns_and_the_zones_offset(built):
    [page, *_] = sorted({row["page_name"] for row in expected(built)})
    found = json.loads(built.eros("export", "--schedule", f"{page}_20250615", "--format", "json").stdout)
    rows = [row for row in expected(built) if row["page_name"] == page]
    assert [row["caption_id"] for row in found] == [row["caption_id"] for row in rows]
    assert list(found[0]) == list(rows[0])
    assert {
        datetime.fromisoformat(row["scheduled_send_time"]).utcoffset().total_seconds() for row in found
    } == {-7 * 3600}
    [logged] = log(built)
    assert (logged["schedule_id"], logged["page_name"]) == (f"{page}_20250615", page)
    assert (logged["status"], logged["message_count"], logged["error_message"]) == (
        "SUCCESS",
        len(rows),
        None,
    )
    assert logged["exported_by"]
    assert logged["execution_time_seconds"] >= 0


def test_every_attempt_is_logged_a_failed_one_too(built, tmp_path):
    file = tmp_path / "day.csv"
    built.eros("export", "--output", str(file))
    schedules = {row["schedule_id"] for row in expected(built)}
    assert {row["schedule_id"] for row in log(built)} == schedules
    assert sum(row["message_count"] for row in log(built)) == len(expected(built))
    before = file.read_bytes()
    again = built.eros("export", "--output", str(file), code=ExitCode.USAGE)
    assert again.stderr == f"eros: {file} is there already; --force replaces it.\n"
    failed = [row for row in log(built) if row["status"] == "FAILED"]
    assert {row["schedule_id"] for row in failed} == schedules
    assert {(row["message_count"], row["error_message"]) for row in failed} == {
        (0, f"{file} is there already; --force replaces it.")
    }
    built.eros("export", "--output", str(file), "--force")
    assert file.read_bytes() == before
    built.eros("export", "--output", str(tmp_path / "no" / "day.csv"), code=ExitCode.USAGE)
    assert len(log(built)) == 4 * len(schedules)
    assert list(tmp_path.glob(".day*")) == []


def test_nothing_scheduled_is_a_failed_attempt(built):
    result = built.eros("export", "--date", "2024-01-01", "--page", " Luna ", code=ExitCode.USAGE)
    assert result.stderr == "eros: Nothing is scheduled there; `eros schedule` shows what is.\n"
    built.eros("export", "--schedule", "nobody_20250615", code=ExitCode.USAGE)
    found = [(row["schedule_id"], row["page_name"], row["status"]) for row in log(built)]
    assert found == [(None, "luna", "FAILED"), ("nobody_20250615", "nobody", "FAILED")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--date", "15.6."), "--date must be a date such as 2025-06-15, not '15.6.'."),
        (("--schedule", "luna"), "--schedule must be PAGE_YYYYMMDD, not 'luna'."),
        (("--schedule", "a_20250615", "--page", "a"), "Give --schedule, or --date and --page."),
        (("--format", "sheets"), "--format sheets and --spreadsheet ID go together, without --output."),
        (("--spreadsheet", "x" * 44), "--format sheets and --spreadsheet ID go together, without --output."),
        (
            ("--format", "sheets", "--spreadsheet", "../x"),
            "--spreadsheet must be the id of a spreadsheet, not '../x'.",
        ),
        (("--format", "xlsx"), "A workbook needs a file: add --output FILE."),
    ],
)
def test_wrong_use_is_one_sentence(project, arguments, said):
    result = project.eros("export", *arguments, code=ExitCode.USAGE)
    assert (result.stdout, result.stderr) == ("", f"eros: {said}\n")


# ---- Google Sheets, as its REST interface is spoken to ----


class Sheets(ThreadingHTTPServer):
    """A spreadsheet `BOOK` on loopback that keeps what it is told; any other is not found."""

    def __init__(self) -> None:
        self.sheets: dict[str, list[list]] = {"Sheet1": []}
        self.options: list[str] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            do_POST = do_PUT = do_GET

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        super().__init__(("127.0.0.1", 0), Handler)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length)) if length else {}
        path, _, query = handler.path.partition("?")
        if not path.startswith(f"/v4/spreadsheets/{BOOK}"):
            return self.reply(handler, 403, {"error": {"code": 403, "message": "no", "status": "x"}})
        range_of = re.search(r"/values/%27(.+?)%27", path)
        if handler.command == "PUT" and range_of:
            self.options.append(query)
            self.sheets[range_of[1]] = body["values"]
        elif path.endswith(":clear"):
            self.sheets[range_of[1]] = []
        replies = []
        for request in body.get("requests", []):
            if "addSheet" in request:
                title = request["addSheet"]["properties"]["title"]
                self.sheets[title] = []
                replies.append({"addSheet": {"properties": self.properties(title)}})
        sheets = [{"properties": self.properties(title)} for title in self.sheets]
        return self.reply(
            handler,
            200,
            {"spreadsheetId": BOOK, "properties": {"title": "Book"}, "sheets": sheets, "replies": replies},
        )

    def properties(self, title: str) -> dict:
        grid = {"rowCount": 10, "columnCount": 12}
        number = list(self.sheets).index(title)
        return {
            "title": title,
            "sheetId": number,
            "index": number,
            "sheetType": "GRID",
            "gridProperties": grid,
        }

    def reply(self, handler: BaseHTTPRequestHandler, status: int, document: dict) -> None:
        content = json.dumps(document).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)


class OnLoopback(requests.Session):
    """A session that finds Google's interface on this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.base = f"http://127.0.0.1:{port}"

    def request(self, method, url, *args, **kwargs):
        assert url.startswith("https://sheets.googleapis.com")
        return super().request(
            method, url.replace("https://sheets.googleapis.com", self.base), *args, **kwargs
        )


BOOK = "1AbcDEF-spreadsheet_id"


@pytest.fixture
def google():
    server = Sheets()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server, OnLoopback(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def message(**values) -> dict:
    moment = datetime(2025, 6, 15, 17, tzinfo=ZoneInfo("UTC"))
    return {
        "schedule_id": "luna_20250615", "page_name": "luna", "scheduled_send_time": moment,
        "time_slot_rank": 1, "message_type": "PPV", "price_tier": "mid", "content_category": "travel",
        "has_urgency": False, "caption_id": 7, "caption_text": "hello", **values,
    }  # fmt: skip


def test_a_worksheet_takes_the_values_as_they_are(google):
    server, session = google
    rows = [message(caption_text=text, time_slot_rank=slot) for slot, text in enumerate(FORMULAS, 1)]
    url = write_worksheet(rows, ZONE, BOOK, "2025-06-15", force=False, session=session)
    assert url == f"https://docs.google.com/spreadsheets/d/{BOOK}#gid=1"
    header, *lines = server.sheets["2025-06-15"]
    assert [line[header.index("Caption")] for line in lines] == list(FORMULAS)
    assert {line[header.index("Time (America/Los_Angeles)")] for line in lines} == {"10:00"}
    assert server.options == ["valueInputOption=RAW"]
    with pytest.raises(ErosError, match="Worksheet 2025-06-15 is there already; --force replaces it"):
        write_worksheet(rows, ZONE, BOOK, "2025-06-15", force=False, session=session)
    write_worksheet(rows[:1], ZONE, BOOK, "2025-06-15", force=True, session=session)
    assert len(server.sheets["2025-06-15"]) == 2


def test_a_spreadsheet_that_google_refuses_is_one_sentence(google):
    _, session = google
    with pytest.raises(ErosError, match="not shared with the account that EROS uses") as raised:
        write_worksheet([message()], ZONE, "another-spreadsheet", "x", force=False, session=session)
    assert raised.value.code is ExitCode.RUN_FAILED


def test_sheets_without_credentials_is_a_failed_attempt(built, tmp_path):
    key = tmp_path / "key.json"
    key.write_text('{"private_key": "secretsecret"}')
    result = built.eros(
        "export", "--format", "sheets", "--spreadsheet", f"https://docs.google.com/spreadsheets/d/{BOOK}/edit",
        env={"EROS_SHEETS_KEYFILE": str(key)}, code=ExitCode.CANNOT_START,
    )  # fmt: skip
    assert "There are no usable Google credentials" in result.stderr
    assert "secretsecret" not in result.stderr
    assert {(row["export_format"], row["status"]) for row in log(built)} == {("SHEETS", "FAILED")}
