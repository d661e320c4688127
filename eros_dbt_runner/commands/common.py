"""What the commands share: options, and how they open the database and print."""

import json
import re
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, overload
from zoneinfo import ZoneInfo

import click

from eros_dbt_runner import output
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode

if TYPE_CHECKING:
    from eros_dbt_runner.warehouse import Row, Warehouse

EXIT_CODES = "\b\nExit codes:\n" + "\n".join(f"  {int(code):>3}  {code.meaning}" for code in ExitCode)

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
    """One JSON document on stdout."""
    try:
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    except BrokenPipeError:
        output.drop()


def only_one(found: "list[Row]", kind: str, typed: str) -> "Row":
    """The one row of `found` whose id begins with what was `typed`; `kind` is run or alert.

    Raises ErosError (USAGE) when there is none, or more than one.
    """
    if len(found) == 1:
        return found[0]
    what = f"More than one {kind} has" if found else f"No {kind} has"
    raise ErosError(f"{what} an id that begins with {typed!r}; see `eros {kind}s`.", ExitCode.USAGE)


# As unseen_characters(), unseen_joiners() and white_space() of macros/staging; format characters apart.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u20e3\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_WHITE_SPACE = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")


@overload
def page_key(name: str) -> str: ...


@overload
def page_key(name: None) -> None: ...


def page_key(name: str | None) -> str | None:
    """A page's name as the project compares it: the macro clean_text once more."""
    if name is None:
        return None
    seen = "".join(char for char in _UNSEEN.sub("", name) if unicodedata.category(char) != "Cf")
    composed = unicodedata.normalize("NFC", seen)
    lowered = "".join(char.lower()[0] for char in composed)
    return _WHITE_SPACE.sub(" ", lowered).strip(" ")


def plain_values(value: Any) -> Any:
    """`value` with dates and times as ISO-8601 text."""
    from eros_dbt_runner.warehouse import plain

    return plain(value)


@contextmanager
def open_warehouse(wait: float, target: str | None = None) -> Iterator[tuple["Warehouse", ZoneInfo]]:
    """The database for a reading command, and the zone to show times in."""
    from eros_dbt_runner.lock import Deadline
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.schedules import read_schedules
    from eros_dbt_runner.warehouse import connect

    project = Project.locate()
    schedules = read_schedules(project.directory / "schedules.yml")
    zone = next(iter(schedules.values())).timezone
    with connect(
        project,
        project.find_target(target),
        Deadline(wait),
        tell_holder,
    ) as tables:
        yield tables, zone


@contextmanager
def locked_warehouse(
    who: str, wait: float, target: str | None = None
) -> Iterator[tuple["Warehouse", ZoneInfo]]:
    """As `open_warehouse`, for a command `who` that writes: no run is in progress meanwhile."""
    from eros_dbt_runner.lock import Deadline
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.schedules import read_schedules
    from eros_dbt_runner.writing import connect_between_runs

    project = Project.locate()
    schedules = read_schedules(project.directory / "schedules.yml")
    zone = next(iter(schedules.values())).timezone
    found = project.find_target(target)
    with connect_between_runs(project, found, who, Deadline(wait), tell_holder) as tables:
        yield tables, zone


def show_source(target: str | None) -> None:
    """Below a table: which database it is from, and what that was made from."""
    from eros_dbt_runner import render
    from eros_dbt_runner.project import Project

    project = Project.locate()
    found = project.find_target(target)
    if found.adapter == "duckdb":
        render.show_source(str(project.database), project.inputs())
    else:
        render.show_source(f"of target {found.name}", "tables in the dataset")


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
        raise ErosError(f"{answer} was not typed and --yes not given: nothing was done.", ExitCode.USAGE)
