"""`eros export`."""

import re
import sys
import time
from pathlib import Path
from typing import Any

import click

from eros_dbt_runner import published
from eros_dbt_runner.clock import now
from eros_dbt_runner.commands import Database, database_options, days_options, user_name
from eros_dbt_runner.errors import ErosError, UsageError
from eros_dbt_runner.export.formats import FORMATS
from eros_dbt_runner.export.sheets import check_spreadsheet, write_worksheet
from eros_dbt_runner.output import save
from eros_dbt_runner.texts import page_key
from eros_dbt_runner.warehouse.base import Row, Warehouse


@click.command()
@click.option("--schedule", "schedule_id", metavar="ID", help="One schedule, PAGE_YYYYMMDD, instead.")
@click.option("--page", type=page_key, metavar="PAGE", help="One page of the days.")
@click.option("--format", "file_format", type=click.Choice(["csv", "json", "xlsx", "sheets"]), default="csv",
              show_default=True)  # fmt: skip
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Default: stdout, which XLSX cannot use.")  # fmt: skip
@click.option(
    "--spreadsheet", metavar="ID", help="The Google spreadsheet for --format sheets; its id or address."
)
@click.option("--force", is_flag=True, help="Replace FILE, or the worksheet, if it is there.")
@database_options
@days_options
def export(
    days: published.Days,
    schedule_id: str | None,
    page: str | None,
    file_format: str,
    output: Path | None,
    spreadsheet: str | None,
    force: bool,
    database: Database,
) -> None:
    """Write the published messages of a day or of several, or of one schedule, for people or other programs.

    With --format sheets they become a worksheet of a Google spreadsheet, named by the days or the schedule.

    Times are on the agency's wall clock. Each attempt is a row in schedule_export_log, one per
    schedule, a failed one too.
    """
    if schedule_id and (days.is_asked or page is not None):
        raise UsageError("Give --schedule, or --date and --page.")
    if schedule_id and not re.fullmatch(r".+_\d{8}", schedule_id):
        raise UsageError(f"--schedule must be PAGE_YYYYMMDD, not {schedule_id!r}.")
    if file_format == "xlsx" and output is None:
        raise UsageError("A workbook needs a file: add --output FILE.")
    if (file_format == "sheets") != bool(spreadsheet) or (spreadsheet and output):
        raise UsageError("--format sheets and --spreadsheet ID go together, without --output.")
    where = check_spreadsheet(spreadsheet) if spreadsheet else output
    began = time.monotonic()
    with database.write("export") as (tables, zone):
        rows = _messages(tables, days, schedule_id, page)
        try:
            if not rows:
                hint = published.like_page(tables, page)
                raise UsageError(f"Nothing is scheduled there; `eros schedule` shows what is.{hint}")
            written = _write(rows, zone, file_format, where, force)
        except (ErosError, OSError) as error:
            _log(tables, rows, file_format, began, str(error), schedule_id, page)
            raise
        _log(tables, rows, file_format, began, None, schedule_id, page)
    pages = len({row["page_name"] for row in rows})
    click.echo(f"{written}: {len(rows)} messages of {pages} page{'' if pages == 1 else 's'}", err=True)


def _messages(
    tables: Warehouse, days: published.Days, schedule_id: str | None, page: str | None
) -> list[Row]:
    if schedule_id:
        return tables.rows(
            "select * from schedule_recommendations_messages where schedule_id = ? and schedule_is_active"
            " order by scheduled_send_time, time_slot_rank",
            [schedule_id],
        )
    return [row for day in days.find(tables) for row in published.messages(tables, day, page)]


def _write(rows: list[Row], zone: Any, file_format: str, where: Path | str | None, force: bool) -> str:
    """Write to a file, a spreadsheet's id, or stdout; gives what to call it."""
    if isinstance(where, str):
        schedules = sorted({row["schedule_id"] for row in rows})
        days = sorted({schedule.rsplit("_", 1)[1] for schedule in schedules})
        first, last = (f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in (days[0], days[-1]))
        title = schedules[0] if len(schedules) == 1 else first if first == last else f"{first} to {last}"
        return write_worksheet(rows, zone, where, title, force=force)
    content = FORMATS[file_format](rows, zone)
    if where:
        save(content, where, force=force)
        return str(where)
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()
    return "stdout"


def _log(
    tables: Warehouse,
    rows: list[Row],
    file_format: str,
    began: float,
    error: str | None,
    schedule_id: str | None,
    page: str | None,
) -> None:
    """One row of schedule_export_log per schedule; an attempt that found none has a row all the same."""
    found: dict[tuple[str | None, str | None], int] = {}
    for row in rows:
        key = (row["schedule_id"], row["page_name"])
        found[key] = found.get(key, 0) + 1
    if not found:
        found[schedule_id, schedule_id.rsplit("_", 1)[0] if schedule_id else page] = 0
    seconds = time.monotonic() - began
    for (schedule, name), count in found.items():
        tables.rows(
            "insert into schedule_export_log (schedule_id, page_name, export_timestamp, message_count,"
            " execution_time_seconds, status, error_message, export_format, exported_by)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [schedule, name, now(), 0 if error else count, seconds, "FAILED" if error else "SUCCESS", error,
             file_format.upper(), user_name()],
        )  # fmt: skip
