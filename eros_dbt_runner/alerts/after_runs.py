"""What ends every run, and every command that could not begin: somebody hears of it."""

import sys
from contextlib import suppress

import click

from eros_dbt_runner.alerts import statements
from eros_dbt_runner.alerts.channels import Attempt
from eros_dbt_runner.alerts.check import check
from eros_dbt_runner.alerts.unwritten import speak
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline, tell_nobody

# A run may be in progress and will make its own check at its end; nobody waits long for this one.
CHECK_WAIT_SECONDS = 10.0


def after_run(
    project: Project, target: Target, code: ExitCode, job_id: str | None, failure: tuple[str, str, str]
) -> None:
    """The check that ends the run `job_id`, whatever became of it. Never raises: an alert fails no run.

    `failure` is the source, the message and the next step of the alert of a run that ended with a `code`
    other than OK and could not write its own.
    """
    if code in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
        return  # somebody wants this process to end now
    is_checked = False
    with suppress(Exception):
        done = check(project, target, CHECK_WAIT_SECONDS, tell_nobody)
        is_checked = True
        for wrong in done.wrong_settings:
            click.echo(f"alerts: {wrong}", err=True)
        for attempt in done.attempts:
            if attempt.error:
                click.echo(told(attempt), err=True)
    if code is not ExitCode.OK and not (is_checked and _has_alert(project, target, job_id)):
        speak(project, *failure)


def _has_alert(project: Project, target: Target, job_id: str | None) -> bool:
    """Whether the database holds the alert of a failed run; where it has no room, say, it does not."""
    with (
        suppress(Exception),
        connect(project, target, Deadline(CHECK_WAIT_SECONDS), tell_nobody) as tables,
    ):
        return statements.is_of_run(tables, job_id)
    return False


def without_run(what: str, error: ErosError) -> None:
    """Tell the channels of a command that could not even begin, unless a person sees it anyway."""
    if sys.stderr.isatty() or error.code not in (ExitCode.BUSY, ExitCode.CANNOT_START):
        return
    with suppress(Exception):
        step = "see docs/operations.md, *It cannot begin*"
        speak(Project.locate(), f"{what} cannot begin", str(error), step)


def told(attempt: Attempt) -> str:
    """An attempt in one line."""
    outcome = "delivered" if attempt.is_delivered else "not delivered"
    outcome += f": {attempt.error}" if attempt.error else ""
    return f"alert {attempt.alert_id[:8]} by {attempt.channel}: {outcome}"
