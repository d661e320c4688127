"""What the commands share: options, and how they open the database and print."""

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, wraps
from typing import Any
from zoneinfo import ZoneInfo

import click

from eros_dbt_runner import display, output
from eros_dbt_runner.clock import local_date, now, parse_date
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.published import Days
from eros_dbt_runner.schedules import zone_of
from eros_dbt_runner.texts import plain
from eros_dbt_runner.warehouse.base import Row, Warehouse
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline
from eros_dbt_runner.writing import connect_between_runs

target_option = click.option("--target", metavar="NAME", help="Target in profiles.yml.")
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
wait_option = click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=60,
    envvar="EROS_LOCK_WAIT",
    show_default=True,
    metavar="SECONDS",
    help="How long to wait while another run or program holds the database [EROS_LOCK_WAIT].",
)


def print_json(document: Any) -> None:
    """One JSON document on stdout, dates and times as ISO-8601 text."""
    try:
        click.echo(json.dumps(plain(document), ensure_ascii=False, indent=2))
    except BrokenPipeError:
        output.drop()


def only_one(found: list[Row], kind: str, typed: str) -> Row:
    """The one row of `found` whose id begins with what was `typed`; `kind` is run or alert.

    Raises ErosError (USAGE) when there is none, or more than one.
    """
    if len(found) == 1:
        return found[0]
    what = f"More than one {kind} has" if found else f"No {kind} has"
    raise UsageError(f"{what} an id that begins with {typed!r}; see `eros {kind}s`.")


class Database:
    """The database that --target and --wait of a command mean; nothing is opened before it is asked for."""

    def __init__(self, target: str | None, wait: float) -> None:
        """`target` is a name in profiles.yml or None, `wait` is in seconds."""
        self.asked, self.wait = target, wait

    @cached_property
    def project(self) -> Project:
        """The project; raises as Project.locate does."""
        return Project.locate()

    @cached_property
    def target(self) -> Target:
        """The target; raises as Project.find_target does."""
        return self.project.find_target(self.asked)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The agency's zone; raises as zone_of does."""
        return zone_of(self.project.directory)

    @contextmanager
    def read(self) -> Iterator[tuple[Warehouse, ZoneInfo]]:
        """The tables for a command that only reads, and the zone to show times in."""
        zone = self.zone
        with connect(self.project, self.target, Deadline(self.wait), tell_holder) as tables:
            yield tables, zone

    @contextmanager
    def write(self, who: str) -> Iterator[tuple[Warehouse, ZoneInfo]]:
        """As `read`, for a command `who` that writes: no run is in progress meanwhile."""
        zone = self.zone
        with connect_between_runs(self.project, self.target, who, Deadline(self.wait), tell_holder) as tables:
            yield tables, zone

    def show_source(self) -> None:
        """Below a table: which database it is from, and what that was made from."""
        if self.target.adapter == "duckdb":
            display.show_source(str(self.project.database), self.project.inputs())
        else:
            display.show_source(f"of target {self.target.name}", "tables in the dataset")


def database_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --target and --wait; the command gets the `database` that they mean."""

    @target_option
    @wait_option
    @wraps(command)
    def with_database(*arguments: Any, target: str | None, wait: float, **options: Any) -> Any:
        return command(*arguments, database=Database(target, wait), **options)

    return with_database


def days_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --date, --week, --from and --to, below database_options; the command gets `days`."""

    @click.option(
        "--date", "day", metavar="DATE",
        help="YYYY-MM-DD, today, tomorrow or yesterday. Default: today, else the next day that was"
        " published, else the last.",
    )  # fmt: skip
    @click.option("--week", is_flag=True, help="All published days of that day's week, Monday to Sunday.")
    @click.option("--from", "first", metavar="DATE", help="All published days from this one on.")
    @click.option("--to", "last", metavar="DATE", help="All published days up to this one.")
    @wraps(command)
    def with_days(
        database: Database, day: str | None, week: bool, first: str | None, last: str | None, **options: Any
    ) -> Any:
        if (first or last) and (day or week):
            raise UsageError("Give --from and --to, or --date and --week.")
        dates = [
            parse_date(text, option, database.zone) if text else None
            for text, option in ((day, "--date"), (first, "--from"), (last, "--to"))
        ]
        days = Days(local_date(now(), database.zone), dates[0], week, dates[1], dates[2])
        return command(database=database, days=days, **options)

    return with_days


def user_name() -> str:
    """Who runs this process; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"


def tell_holder(holder: str) -> None:
    """Say on stderr why nothing happens."""
    with suppress(OSError):  # nobody may be there to read it
        click.echo(f"waiting: {holder}", err=True)


def confirm(question: str, answer: str, is_sure: bool) -> None:
    """Go on only if `answer` is typed, or if somebody `is_sure` (--yes).

    Raises ErosError (USAGE) when something else is typed, or nobody can type.
    """
    if is_sure:
        return
    try:
        typed = click.prompt(f"{question} Type {answer} to go on", default="", show_default=False, err=True)
    except click.Abort:
        if sys.stdin.isatty():
            raise
        typed = ""
    if typed.strip() != answer:
        raise UsageError(f"{answer} was not typed and --yes not given: nothing was done.")
