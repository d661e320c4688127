"""A plan, the reasons for a caption, and a selection as tables."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from eros_dbt_runner.display import Row, messages, shown, stdout, table_of
from eros_dbt_runner.schedule.meanings import meaning


def show_day(rows: Sequence[Row], day: date, zone: ZoneInfo, left_out: Sequence[Row]) -> None:
    """The plan of a date, one line per page with its sending times, and what was `left_out`."""
    title = f"{day:%A} {day.isoformat()}, times in {zone.key}"
    table = table_of(title, "page", "PPV", "bump", "sending times (b = bump)", right=("PPV", "bump"))
    for page in dict.fromkeys(row["page_name"] for row in rows):
        messages = [row for row in rows if row["page_name"] == page]
        bumps = [row for row in messages if row["price_tier"] == "bump"]
        times = " ".join(
            f"{_clock(row, zone)}{'b' if row['price_tier'] == 'bump' else ''}" for row in messages
        )
        table.add_row(page, str(len(messages) - len(bumps)), str(len(bumps)), times)
    console = stdout()
    console.print(table)
    for short in left_out:
        console.print(Text(f"left out  {short['page_name']}: {_shortfall(short)}"))


def _shortfall(short: Row) -> str:
    """How many of a page's messages were left out, and why."""
    return f"{short['left_out_count']} of {messages(short['planned_count'])}: {short['reason']}"


def show_page_day(rows: Sequence[Row], page: str, day: date, zone: ZoneInfo, left_out: Sequence[Row]) -> None:
    """The messages of a page on a date, and what was `left_out`."""
    names = ("slot", "time", "type", "tier", "category", "urgent", "caption", "text")
    title = f"{page}, {day:%A} {day.isoformat()}, times in {zone.key}"
    table = table_of(title, *names, right=("slot", "caption"))
    for row in rows:
        table.add_row(
            str(row["time_slot_rank"]),
            _clock(row, zone),
            row["message_type"],
            row["price_tier"],
            row["content_category"],
            "yes" if row["has_urgency"] else "",
            str(row["caption_id"]),
            Text(row["caption_text"] or ""),
        )
    console = stdout()
    console.print(table)
    for short in left_out:
        console.print(Text(f"left out  {_shortfall(short)}"))


def show_next_command(page: str | None, day: date) -> None:
    """What to type for more, below the plans; `day` is the last that was shown."""
    more = (
        f"Why a caption was chosen: eros explain {page} {day} SLOT"
        if page
        else "One page with its captions: eros schedule PAGE"
    )
    stdout().print(more, style="dim")


def show_explanation(row: Row, zone: ZoneInfo) -> None:
    """Every column of a recommendation with what it means."""
    title = f"{row['page_name']}, {row['schedule_date']}, slot {row['time_slot_rank']}"
    table = Table(title=f"Why this caption: {title}")
    table.add_column("column")
    table.add_column("value", overflow="fold", max_width=60)
    table.add_column("meaning", overflow="fold")
    for name, value in row.items():
        table.add_row(name, Text(shown(value, zone)), meaning(name))
    stdout().print(table)


def show_selection(rows: Sequence[Row], page: str, segment: str, day: date) -> None:
    """Captions selected ad hoc, best first."""
    names = ("rank", "tier", "category", "urgent", "caption", "score", "text")
    title = f"{page}, segment {segment}, as planned for {day}: selected now, not published"
    table = table_of(title, *names, right=("rank", "caption", "score"))
    for row in sorted(rows, key=lambda row: row["selection_rank"]):
        table.add_row(
            str(row["selection_rank"]),
            row["price_tier"],
            row["content_category"],
            "yes" if row["has_urgency"] else "",
            str(row["caption_id"]),
            f"{row['score']:.4f}",
            Text(row["caption_text"] or ""),
        )
    stdout().print(table)


def _clock(row: Row, zone: ZoneInfo) -> str:
    return f"{row['scheduled_send_time'].astimezone(zone):%H:%M}"
