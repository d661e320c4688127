"""A run as a process of its own, and what its end means for trying again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from eros_dbt_runner import clock
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.runner.request import LIMIT_VARIABLE, SERVICE_VARIABLE, SLOT_VARIABLE
from eros_dbt_runner.schedules import Schedule

GRACE_SECONDS = 60
CHECK_TIMEOUT_SECONDS = 120
# Trying again helps none of these: a person has to do something first.
PERMANENT = (ExitCode.USAGE, ExitCode.BREAKER_OPEN, ExitCode.NOTHING_RAN)


@dataclass(frozen=True)
class Slot:
    """A schedule and the moment at which it is due; `attempt` counts from 1."""

    schedule: Schedule
    due: datetime
    attempt: int = 1


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit code (negative for a signal), and whether trying again may help."""

    code: int
    is_transient: bool
    detail: str = ""


class ProcessRunner:
    """Does runs as `eros run` in processes of their own, and ends those that take too long."""

    def __init__(self, arguments: list[str], directory: Path, after_kill: Callable[[], None]) -> None:
        """`arguments` go behind those of each run; `after_kill` is called when one was killed."""
        self._arguments, self._directory, self._after_kill = arguments, directory, after_kill
        self._process: subprocess.Popen[str] | None = None

    def __call__(self, slot: Slot) -> Outcome:
        """Run the slot's schedule; returns when its process has ended."""
        told = {SLOT_VARIABLE: clock.iso(slot.due), LIMIT_VARIABLE: str(slot.schedule.timeout_seconds)}
        process = self._start("run", slot.schedule.name, **told)
        try:
            out, err = process.communicate(timeout=slot.schedule.timeout_seconds)
        except subprocess.TimeoutExpired:
            return self._end(process, slot.schedule.timeout_seconds)
        code = process.returncode
        if code < 0:
            self._after_kill()
        return outcome_of(code, _document(out), err)

    def check(self) -> str:
        """Check the alerts; gives what went wrong, or ''."""
        process = self._start("alerts", "check")
        try:
            _, err = process.communicate(timeout=CHECK_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return f"took longer than {CHECK_TIMEOUT_SECONDS} s"
        return "" if process.returncode == 0 else (err.strip().splitlines() or ["no reason given"])[-1]

    def _start(self, *command: str, **env: str) -> "subprocess.Popen[str]":
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "eros_dbt_runner.cli", *command, "--json", *self._arguments],
            cwd=self._directory,
            env={**os.environ, SERVICE_VARIABLE: str(os.getpid()), **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the service, which passes it on
        )
        return self._process

    def interrupt(self) -> None:
        """Ask the present run, if there is one, to stop cleanly."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def _end(self, process: "subprocess.Popen[str]", seconds: int) -> Outcome:
        """End a run that takes too long: politely, then not."""
        self.interrupt()
        try:
            process.communicate(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self._after_kill()
        return Outcome(int(ExitCode.TERMINATED), True, f"took longer than {seconds} s and was ended")


def outcome_of(code: int, report: Mapping[str, Any], stderr: str) -> Outcome:
    """What an exit code and the report of `eros run --json` mean for trying again.

    A failed test fails again; an error of the database, a lock or a killed process may not.
    """
    problems = [f"{problem['what']}: {problem['why']}" for problem in report.get("problems") or []]
    detail = "; ".join(problems) or report.get("error") or (stderr.strip().splitlines() or [""])[-1]
    only_tests = bool(problems) and all(problem.startswith("test ") for problem in problems)
    return Outcome(code, code not in map(int, PERMANENT) and not only_tests, detail)


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
