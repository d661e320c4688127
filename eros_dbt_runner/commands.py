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
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.project import Project, Target
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

    @contextmanager
    def read(self) -> Iterator[tuple[Warehouse, ZoneInfo]]:
        """The tables for a command that only reads, and the zone to show times in."""
        zone = zone_of(self.project.directory)
        with connect(self.project, self.target, Deadline(self.wait), tell_holder) as tables:
            yield tables, zone

    @contextmanager
    def write(self, who: str) -> Iterator[tuple[Warehouse, ZoneInfo]]:
        """As `read`, for a command `who` that writes: no run is in progress meanwhile."""
        zone = zone_of(self.project.directory)
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
