"""Backups, and what a rollback drops, as tables."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from rich.text import Text

from eros_dbt_runner.backup.stores import Backup
from eros_dbt_runner.display import Row, stdout, table_of


def show_backups(backups: Sequence[Backup], zone: ZoneInfo) -> None:
    """Backups, one a line, the newest first."""
    names = ("id", "made", "name", "by", "tables", "rows", "MiB", "expires")
    table = table_of(f"backups, times in {zone.key}", *names, right=("tables", "rows", "MiB"))
    for backup in backups:
        expires = backup.expires_at
        table.add_row(
            backup.id,
            f"{backup.made_at.astimezone(zone):%a %Y-%m-%d %H:%M}",
            backup.name or "",
            backup.made_by,
            str(len(backup.rows)),
            f"{sum(backup.rows.values()):,}",
            "" if backup.bytes is None else f"{backup.bytes / 2**20:,.1f}",
            f"{expires.astimezone(zone):%Y-%m-%d}" if expires else "",
        )
    console = stdout()
    console.print(table)
    console.print("Bring one back: eros restore ID", style="dim")


def show_rollback(plan: Row) -> None:
    """What a rollback drops, and what fails until that is made again."""
    console = stdout()
    if not plan["drops"]:
        console.print("Nothing of that is in the database: there is nothing to drop.")
        return
    table = table_of("to be dropped", "object", "kind", "rows", "its rows", right=("rows",))
    for drop in plan["drops"]:
        rows = drop["rows"]
        again = "no run makes them again" if drop["only_copy"] else "the next runs make them again"
        table.add_row(
            drop["name"],
            drop["kind"],
            "" if rows is None else f"{rows:,}",
            Text(again if rows else "", style="yellow" if drop["only_copy"] else ""),
        )
    console.print(table)
    for broken in plan["broken"]:
        reads = ", ".join(broken["reads"])
        line = f"fails until then: {broken['kind']} {broken['name']} (reads {reads})"
        console.print(Text(line), soft_wrap=True)
