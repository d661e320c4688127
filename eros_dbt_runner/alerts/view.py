"""The scorecard and the alerts as tables."""

from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.text import Text

from eros_dbt_runner.display import Row, stdout, table_of

CHECK_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "red"}


def show_health(rows: Sequence[Row]) -> None:
    """The scorecard, and below it what to do about each check that does not pass."""
    console = stdout()
    right = ("figure", "warn above", "fail from")
    table = table_of("health", "check", "status", *right, "owner", "what", right=right, fold=True)
    for row in rows:
        table.add_row(
            row["check_name"],
            Text(row["check_status"], style=CHECK_STYLES[row["check_status"]]),
            _figure(row["figure"], row["unit"]),
            _figure(row["warn_at"], row["unit"]),
            _figure(row["fail_at"], row["unit"]),
            row["owner"],
            Text(row["message"]),
        )
    console.print(table)
    for row in rows:
        if row["check_status"] != "PASS":
            console.print(
                Text(f"{row['check_status']}  {row['check_name']}: {row['next_step']}"), soft_wrap=True
            )
    counts = Counter(row["check_status"] for row in rows)
    console.print(", ".join(f"{counts[status]} {status}" for status in CHECK_STYLES), style="dim")


def _figure(value: float | None, unit: str) -> str:
    """A figure with its unit, as people say it; shares in percent."""
    if value is None:
        return "–"
    if unit == "share":
        return f"{value:.1%}"
    return f"{value:.1f} h" if unit == "hours" else f"{value:,.0f}"


def show_alerts(rows: Sequence[Row], zone: ZoneInfo) -> None:
    """Alerts, the newest first, each with its owner and next step."""
    names = ("id", "raised", "level", "source", "what and what next", "owner", "taken by")
    table = table_of(f"alerts, times in {zone.key}", *names, fold=True)
    for row in rows:
        text = Text(row["alert_message"] or "")
        if row["next_step"] and not row["acknowledged"]:
            text.append(f"\n{row['next_step']}", style="dim")
        table.add_row(
            row["alert_id"][:8],
            f"{row['alert_time'].astimezone(zone):%a %Y-%m-%d %H:%M}",
            Text(row["alert_level"], style="red" if row["alert_level"] == "CRITICAL" else "yellow"),
            row["alert_source"],
            text,
            row["owner"] or "platform",
            Text(row["acknowledged_by"] or ""),
        )
    console = stdout()
    console.print(table)
    console.print("To take one: eros alerts ack ID", style="dim")
