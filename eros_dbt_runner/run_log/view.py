"""Runs, and the rows that no run could use, as tables."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from eros_dbt_runner.display import STYLES, Row, facts_grid, shown, stdout, table_of
from eros_dbt_runner.errors import one_sentence

LONGEST_ROW = 160


def show_runs(rows: Sequence[Row], zone: ZoneInfo) -> None:
    """Runs, one a line, the newest first."""
    title, right = f"runs, times in {zone.key}", ("seconds", "creators", "left out")
    names = ("id", "job", "began", "seconds", "status", "creators", "left out", "why")
    table = table_of(title, *names, right=right, fold=True)
    for row in rows:
        seconds = row["job_duration_seconds"]
        table.add_row(
            row["job_id"][:8],
            row["job_name"],
            f"{row['job_start_time'].astimezone(zone):%a %Y-%m-%d %H:%M}",
            "" if seconds is None else f"{seconds:.1f}",
            Text(row["job_status"], style=STYLES.get(row["job_status"], "red")),
            "" if row["creators_processed"] is None else str(row["creators_processed"]),
            str(row["creators_failed"] or ""),
            Text(one_sentence(row["error_message"] or "", 80)),
        )
    console = stdout()
    console.print(table)
    console.print("What became of one: eros runs show ID", style="dim")


def show_run(story: Row, zone: ZoneInfo) -> None:
    """One run: its row, what failed, and how to repeat that."""
    facts = facts_grid()
    for name, value in story.items():
        if name not in ("failed", "repeat"):
            facts.add_row(name.replace("_", " "), Text(shown(value, zone)))
    console = stdout()
    style = STYLES.get(story["job_status"], "red")
    console.print(Panel(facts, title=f"run {story['job_id'][:8]}", border_style=style, expand=False))
    for failure in story["failed"]:
        console.print(Text(f"{failure['status']}  {failure['node']}: {failure['message']}", style="red"))
    if story["repeat"]:
        console.print(Text(f"repeat just that: {story['repeat']}"), soft_wrap=True)


def show_rejected(rows: Sequence[Row], more: int) -> None:
    """Why rows of the inputs cannot be used, each reason with one of its rows; `more` are not shown."""
    table = Table(title="rows that cannot be used")
    table.add_column("rows", justify="right")
    table.add_column("table", overflow="fold")
    table.add_column("why, and one of them", overflow="fold")
    for row in rows:
        text = Text(row["rejection_reason"])
        key = row["example_row_key"]
        example = f"row {'without a key' if key is None else key}: {row['example_row'] or ''}"
        text.append(f"\n{one_sentence(example, LONGEST_ROW)}", style="dim")
        table.add_row(f"{row['row_count']:,}", row["source_name"], text)
    console = stdout()
    console.print(table)
    if more > 0:
        console.print(f"{more} more reasons; --limit shows more, --json all of each row", style="dim")
    console.print("Every row with its reason is in rejected_rows.", style="dim")
