"""A day's messages as a file for people: CSV, JSON or XLSX.

A caption is written by a person and may begin like a spreadsheet formula. No format lets a
spreadsheet execute one: XLSX cells are typed as text, a CSV cell gets an apostrophe in front.
"""

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from eros_dbt_runner.texts import plain

Row = Mapping[str, Any]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBERS = ("Slot", "Caption ID")


def table(rows: Sequence[Row], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Rows of schedule_recommendations_messages under headings that people understand.

    Dates and times are on the wall clock of `zone`; all values are text, but the slot and the
    caption's id are numbers.
    """
    result = []
    for row in rows:
        local = row["scheduled_send_time"].astimezone(zone)
        result.append(
            {
                "Date": f"{local:%Y-%m-%d}",
                f"Time ({zone.key})": f"{local:%H:%M}",
                "Weekday": f"{local:%A}",
                "Page": row["page_name"],
                "Slot": row["time_slot_rank"],
                "Type": row["message_type"],
                "Price tier": row["price_tier"],
                "Category": row["content_category"],
                "Urgent": "yes" if row["has_urgency"] else "no",
                "Caption ID": row["caption_id"],
                "Caption": row["caption_text"],
                "Schedule": row["schedule_id"],
            }
        )
    return result


def as_csv(rows: Sequence[Row], zone: ZoneInfo) -> bytes:
    """UTF-8 with the mark by which spreadsheets know it; CRLF; formulas disarmed."""
    lines = table(rows, zone)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(lines[0]))
    writer.writeheader()
    writer.writerows({name: _disarmed(value) for name, value in line.items()} for line in lines)
    return text.getvalue().encode("utf-8-sig")


def _disarmed(value: Any) -> Any:
    """A text that a spreadsheet would execute, with an apostrophe in front of it."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS) else value


def as_json(rows: Sequence[Row], zone: ZoneInfo) -> bytes:
    """A list with the columns of schedule_recommendations_messages; times carry the zone's offset."""
    lines = [
        {**plain(row), "scheduled_send_time": row["scheduled_send_time"].astimezone(zone).isoformat()}
        for row in rows
    ]
    return (json.dumps(lines, ensure_ascii=False, indent=2) + "\n").encode()


def as_xlsx(rows: Sequence[Row], zone: ZoneInfo) -> bytes:
    """A workbook of one sheet; every text is a text cell, never a formula or a link."""
    import xlsxwriter

    lines = table(rows, zone)
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet = book.add_worksheet("Messages")
    bold = book.add_format({"bold": True})
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    for column, name in enumerate(lines[0]):
        sheet.write_string(0, column, name, bold)
        widest = max(len(str(line[name] or "")) for line in lines)
        sheet.set_column(column, column, min(60, max(len(name), widest) + 2))
    for number, line in enumerate(lines, start=1):
        for column, (name, value) in enumerate(line.items()):
            if value is None:
                sheet.write_blank(number, column, None, wrapped)
            elif name in NUMBERS:
                sheet.write_number(number, column, value, wrapped)
            else:
                sheet.write_string(number, column, value, wrapped)
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, len(lines), len(lines[0]) - 1)
    book.close()
    return content.getvalue()


FORMATS: dict[str, Callable[[Sequence[Row], ZoneInfo], bytes]] = {
    "csv": as_csv,
    "json": as_json,
    "xlsx": as_xlsx,
}
