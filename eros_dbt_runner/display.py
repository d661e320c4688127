"""How the views print: tables on stdout, progress on stderr."""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from eros_dbt_runner import output

Row = Mapping[str, Any]
# By the status of a run.
STYLES = {"SUCCESS": "green", "COMPLETED_NO_WORK": "cyan", "COMPLETED_WITH_ERRORS": "yellow"}


class Progress(Console):
    """Stderr; somebody who stops listening stops no run, whose threads dbt waits for."""

    def on_broken_pipe(self) -> None:
        """Say nothing from now on."""
        self.quiet = True


class _Output(Console):
    """Stdout; somebody who has read enough changes no exit code."""

    def on_broken_pipe(self) -> None:
        """Let the rest go nowhere."""
        output.drop()


def stdout() -> Console:
    """Stdout; as wide as needed when it is no terminal, so that nothing is cut off in a file."""
    return _Output(highlight=False, width=None if sys.stdout.isatty() else 160)


def table_of(title: str, *names: str, right: Sequence[str] = (), fold: bool = False) -> Table:
    """An empty table with these columns, those in `right` flush right; with `fold` no text is cut off."""
    table = Table(title=title)
    for name in names:
        justify: JustifyMethod = "right" if name in right else "left"
        table.add_column(name, justify=justify, overflow="fold" if fold else "ellipsis")
    return table


def facts_grid() -> Table:
    """A table of two columns, names and values, without lines."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    return facts


def shown(value: Any, zone: ZoneInfo) -> str:
    """A value of a row as people read it, times on the wall clock of `zone`."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        return f"{value.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return str(value)


def messages(number: int) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} message{'' if number == 1 else 's'}"


def show_source(database: str, inputs: str) -> None:
    """Below a table: which database it is from, and what that was made from."""
    stdout().print(Text(f"database {database}, inputs {inputs}", style="dim"), soft_wrap=True)
