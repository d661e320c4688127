"""`eros serve`: runs each schedule when it is due, one at a time, each run a process of its own.

What has been done is read from the run folders, so a service that is started again, after a stop, a
crash or a reboot, goes on where the last one was: of the moments that were missed only the latest is
caught up with. A moment is a `slot`: the time, in UTC, at which a schedule was due.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cronsim import CronSim

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.schedules import Schedule
from eros_dbt_runner.service.processes import Outcome, Slot

# A run checks the alerts at its end; what no run can find, say that none runs, is found by these.
CHECK_EVERY = timedelta(minutes=10)
# Where a run that was stopped leaves its slot: undone, for the next service.
STOPPED = (ExitCode.INTERRUPTED, ExitCode.TERMINATED)


class Clock:
    """The time, and waiting for it; a test has one of its own."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return clock.now()

    def wait(self, until: datetime, stop: threading.Event) -> None:
        """Return at `until`, or as soon as `stop` is set."""
        stop.wait(max(0.0, (until - self.now()).total_seconds()))


def latest_due(schedule: Schedule, moment: datetime) -> datetime:
    """The last moment, in UTC, at or before `moment` at which `schedule` was due."""
    later = (moment + timedelta(minutes=1)).astimezone(schedule.timezone)
    for due in CronSim(schedule.cron, later, reverse=True):
        if due.astimezone(timezone.utc) <= moment:
            return due.astimezone(timezone.utc)
    raise AssertionError("a cron expression without a past")


def next_due(schedule: Schedule, moment: datetime) -> datetime:
    """The first moment, in UTC, after `moment` at which `schedule` is due."""
    return next(
        due.astimezone(timezone.utc)
        for due in CronSim(schedule.cron, moment.astimezone(schedule.timezone))
        if due.astimezone(timezone.utc) > moment
    )


class Service:
    """The loop.

    `run(slot)` does a run and tells its outcome, `check()` checks the alerts and tells what went wrong
    or '', `log(event, **facts)` is told of all.
    """

    def __init__(
        self,
        schedules: Iterable[Schedule],
        runs: Path,
        run: Callable[[Slot], Outcome],
        check: Callable[[], str],
        log: Callable[..., None],
        ticker: Clock | None = None,
        database: str = "",
    ) -> None:
        """Nothing runs before `serve`. `database` is the identity of the one that the runs write to."""
        self._schedules = list(schedules)
        self._runs, self._run, self._check = runs, run, check
        self._log, self._clock = log, ticker or Clock()
        self._database = database
        self._next_check = self._clock.now() + CHECK_EVERY
        self._handled: dict[str, datetime] = {}
        self._pending: dict[str, tuple[Slot, datetime]] = {}
        self.stop = threading.Event()

    def serve(self) -> None:
        """Run what is due, and wait, until `stop` is set."""
        self._resume()
        while not self.stop.is_set():
            now = self._clock.now()
            self._collect(now)
            ready = [slot for slot, after in self._in_order() if after <= now]
            if ready:
                self._work(ready[0].schedule.name)
            elif self._next_check <= now:
                self._check_alerts(now)
            else:
                self._clock.wait(self._next_moment(now), self.stop)

    def _in_order(self) -> list[tuple[Slot, datetime]]:
        """What waits, in the order of schedules.yml: there what learns stands before what decides."""
        return [self._pending[s.name] for s in self._schedules if s.name in self._pending]

    def _resume(self) -> None:
        """What the run folders say about each schedule's latest slot."""
        for schedule in self._schedules:
            slot = Slot(schedule, latest_due(schedule, self._clock.now()))
            tried = self._runs_of(slot)
            # An attempt that a stop or a kill of the service cut short was not the run's failure.
            attempts = [f for f in tried if f.get("exit_code") not in (None, *map(int, STOPPED))]
            if _is_done(tried) or len(attempts) > schedule.max_retries:
                self._handled[schedule.name] = slot.due
            elif tried:
                again = replace(slot, attempt=len(attempts) + 1)
                self._pending[schedule.name] = (again, slot.due)
                self._log("run_resumed", schedule=schedule.name, slot=slot.due, attempt=again.attempt)

    def _runs_of(self, slot: Slot) -> list[dict[str, Any]]:
        """The records of the runs of a slot on this service's database."""
        wanted = (slot.schedule.name, clock.iso(slot.due))
        records = (
            folder.facts()
            for folder in run_folders.folders(self._runs)
            if not self._database or folder.belongs_to(self._database)
        )
        return [facts for facts in records if (facts.get("schedule"), facts.get("slot")) == wanted]

    def _collect(self, now: datetime) -> None:
        """Note what has become due; a newer slot takes the place of one that still waits."""
        for schedule in self._schedules:
            due = latest_due(schedule, now)
            waiting = self._pending.get(schedule.name)
            if self._handled.get(schedule.name) == due or (waiting and waiting[0].due == due):
                continue
            if waiting:
                self._log("run_superseded", schedule=schedule.name, slot=waiting[0].due, by=due)
            self._pending[schedule.name] = (Slot(schedule, due), due)

    def _next_moment(self, now: datetime) -> datetime:
        waiting = [after for _, after in self._in_order()]
        return min([self._next_check, *waiting, *(next_due(schedule, now) for schedule in self._schedules)])

    def _check_alerts(self, now: datetime) -> None:
        self._next_check = now + CHECK_EVERY
        if problem := self._check():
            self._log("alerts_not_checked", why=problem)

    def _work(self, name: str) -> None:
        """One run, and what follows from its outcome."""
        slot, _ = self._pending.pop(name)
        facts = {"schedule": name, "slot": slot.due, "attempt": slot.attempt}
        self._log("run_started", **facts)
        outcome = self._run(slot)
        if outcome.code != ExitCode.OK and _is_done(self._runs_of(slot)):  # killed, or too slow, at its end
            outcome = Outcome(int(ExitCode.OK), is_transient=False)
        if self.stop.is_set() and outcome.code != ExitCode.OK:
            self._log("run_stopped", **facts)
            return
        if outcome.code != ExitCode.OK:  # it may not have been able to tell
            self._next_check = self._clock.now()
        if outcome.code == ExitCode.OK:
            self._log("run_finished", **facts)
        elif outcome.is_transient and slot.attempt <= slot.schedule.max_retries:
            delay = slot.schedule.retry_delay_seconds * 2 ** (slot.attempt - 1)
            after = self._clock.now() + timedelta(seconds=delay)
            self._pending[name] = (replace(slot, attempt=slot.attempt + 1), after)
            self._log("run_will_be_retried", **facts, code=outcome.code, why=outcome.detail, after=after)
            return
        else:
            self._log("run_failed", **facts, code=outcome.code, why=outcome.detail)
        self._handled[name] = slot.due


def _is_done(records: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of these runs did all its work, however its process ended."""
    return any(facts.get("status") not in ("RUNNING", "FAILED") for facts in records)
