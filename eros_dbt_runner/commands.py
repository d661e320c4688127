"""What the commands share: options, and how they open the database and print."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from zoneinfo import ZoneInfo

import click

from eros_dbt_runner import display, output
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.project import Project
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


@contextmanager
def open_warehouse(wait: float, target: str | None = None) -> Iterator[tuple[Warehouse, ZoneInfo]]:
    """The database for a reading command, and the zone to show times in."""
    project = Project.locate()
    zone = zone_of(project.directory)
    with connect(project, project.find_target(target), Deadline(wait), tell_holder) as tables:
        yield tables, zone


@contextmanager
def locked_warehouse(
    who: str, wait: float, target: str | None = None
) -> Iterator[tuple[Warehouse, ZoneInfo]]:
    """As `open_warehouse`, for a command `who` that writes: no run is in progress meanwhile."""
    project = Project.locate()
    zone = zone_of(project.directory)
    found = project.find_target(target)
    with connect_between_runs(project, found, who, Deadline(wait), tell_holder) as tables:
        yield tables, zone


def show_source(target: str | None) -> None:
    """Below a table: which database it is from, and what that was made from."""
    project = Project.locate()
    found = project.find_target(target)
    if found.adapter == "duckdb":
        display.show_source(str(project.database), project.inputs())
    else:
        display.show_source(f"of target {found.name}", "tables in the dataset")


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
