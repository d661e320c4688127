"""`eros serve` and `eros schedules`."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import structlog
from filelock import FileLock, Timeout

from eros_dbt_runner.commands import target_option
from eros_dbt_runner.errors import BusyError, CannotStartError, UsageError, writable
from eros_dbt_runner.exit_codes import EXIT_CODES
from eros_dbt_runner.project import Project
from eros_dbt_runner.runner.records import tidy_up as tidy_runs
from eros_dbt_runner.runner.request import Request
from eros_dbt_runner.schedules import read_schedules
from eros_dbt_runner.service.exports import FORMATS, settings_of
from eros_dbt_runner.service.processes import ProcessRunner
from eros_dbt_runner.service.service import Service


@click.command(epilog=EXIT_CODES)
@target_option
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of the events on stderr, one a line.",
)
def serve(target: str | None, log_format: str) -> None:
    """Run the schedules of schedules.yml when they are due, until SIGTERM or Ctrl-C.

    Each run is a process of its own. What was missed while no service ran is caught up with once.
    A run that fails for a reason that may pass is tried again, as schedules.yml says.
    """
    project = Project.locate()
    known = list(read_schedules(project.directory / "schedules.yml").values())
    request = Request(project, known[0], project.find_target(target), target is not None)
    log = _logger(log_format)
    only_one = FileLock(project.runs_dir / "serve.lock")
    try:
        project.runs_dir.mkdir(parents=True, exist_ok=True)
        only_one.acquire(timeout=0)
    except Timeout:
        raise BusyError(f"Another service runs on {project.runs_dir}.") from None
    except OSError as error:
        raise CannotStartError(f"{project.runs_dir} cannot be written: {error.strerror}.") from None

    def tidy_up(wait: float = 0) -> None:
        for note in tidy_runs(request, wait, lambda holder: log("service_waits", why=holder)):
            log("database_noticed", what=note)

    runner = ProcessRunner(["--target", target] if target else [], project.directory, tidy_up)
    database = project.identity(request.target)
    service = Service(known, project.runs_dir, runner, runner.check, log, database=database)
    has_begun = threading.Event()

    def stop(number: int, _frame: object) -> None:
        log("service_stopping", signal=signal.Signals(number).name)
        service.stop.set()
        runner.interrupt()
        if not has_begun.is_set():
            raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    log("service_started", project=str(project.directory), schedules=[s.name for s in known])
    try:
        # A run that an earlier service left behind goes on to its end; then its folder says how it was.
        with suppress(KeyboardInterrupt):
            tidy_up(max(schedule.timeout_seconds for schedule in known))
            has_begun.set()
        service.serve()
    finally:
        only_one.release()
    log("service_stopped")


@click.group()
def schedules() -> None:
    """What runs when, for schedulers that are there already."""


@schedules.command()
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["cron", "systemd", "github-actions", "cloud-run"]),
    required=True,
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the files there; without it they are printed.",
)
def export(file_format: str, output: Path | None) -> None:
    """Say schedules.yml in the words of another scheduler."""
    project = Project.locate()
    known = read_schedules(project.directory / "schedules.yml").values()
    settings = settings_of(project, os.environ)
    files = FORMATS[file_format](known, project.directory, Path(sys.argv[0]).resolve(), settings)
    if output is None:
        many = len(files) > 1
        click.echo(
            "\n".join(f"# ---- {name}\n{text}" if many else text for name, text in files.items()), nl=False
        )
        return
    with writable(output, UsageError):
        output.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (output / name).write_text(text, encoding="utf-8")
            click.echo(output / name)


def _logger(log_format: str) -> Callable[..., None]:
    """A function that writes one event: its name, and facts about it."""
    renderer: Any = (
        structlog.processors.JSONRenderer(default=str, ensure_ascii=False)
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logger = structlog.get_logger()

    def log(event: str, **facts: Any) -> None:
        write = logger.error if event in ("run_failed", "alerts_not_checked") else logger.info
        write(
            event,
            **{name: str(fact) if name in ("slot", "by", "after") else fact for name, fact in facts.items()},
        )

    return log
