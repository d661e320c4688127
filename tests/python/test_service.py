"""`eros serve`: what it runs when, over simulated months, and with real runs."""

from __future__ import annotations

import itertools
import random
import signal
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from filelock import FileLock

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.schedules import read_schedules
from eros_dbt_runner.service.processes import Outcome, Slot, outcome_of
from eros_dbt_runner.service.service import Clock, Service, latest_due, next_due
from tests.python.harness import ROOT

SCHEDULES = read_schedules(ROOT / "schedules.yml")
DONE = Outcome(ExitCode.OK, is_transient=False)


class KilledError(Exception):
    """The service's process is gone."""


class FastClock(Clock):
    """Jumps to whatever is waited for, and stops the service at the end."""

    def __init__(self, begin: datetime, end: datetime) -> None:
        self.moment, self.end = begin, end

    def now(self) -> datetime:
        return self.moment

    def wait(self, until: datetime, stop) -> None:
        self.moment = max(self.moment, until)
        if self.moment >= self.end:
            stop.set()


class World:
    """A folder of runs, a clock, and runs that do nothing but leave what a run leaves."""

    def __init__(self, runs: Path, begin: datetime, days: float, seed: int = 0) -> None:
        self.runs, self.clock = runs, FastClock(begin, begin + timedelta(days=days))
        self.rng, self.count, self.events = random.Random(seed), 0, []
        self.succeeded: Counter[tuple[str, datetime]] = Counter()
        self.checks: list[datetime] = []
        self.kill_share = self.service_kill_share = 0.0

    def run(self, slot: Slot) -> Outcome:
        self.count += 1
        folder = run_folders.RunFolder(self.runs / f"{self.count:06}")
        folder.path.mkdir(parents=True)
        folder.record({"schedule": slot.schedule.name, "slot": clock.iso(slot.due), "status": "RUNNING"})
        self.clock.moment += timedelta(seconds=self.rng.uniform(2, 90))
        chance = self.rng.random()
        if chance < self.service_kill_share:
            raise KilledError
        if chance < self.service_kill_share + self.kill_share:
            return Outcome(-signal.SIGKILL, is_transient=True)
        self.succeeded[slot.schedule.name, slot.due] += 1
        folder.record({"status": "SUCCESS", "exit_code": 0})
        if chance > 1 - self.service_kill_share:
            raise KilledError  # after the run has ended, before the service knows
        return DONE

    def check(self) -> str:
        self.checks.append(self.clock.now())
        return ""

    def serve(self) -> None:
        """Serve to the end; a service that is killed is started again a while later."""
        while True:
            service = Service(SCHEDULES.values(), self.runs, self.run, self.check, self.log, self.clock)
            try:
                return service.serve()
            except KilledError:
                self.clock.moment += timedelta(seconds=self.rng.uniform(1, 300))

    def log(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))


def slots(name: str, begin: datetime, end: datetime) -> list[datetime]:
    """Every moment at which a schedule is due, worked out by wall clock and not by cron."""
    zone = SCHEDULES[name].timezone
    moment, found = begin, []
    while moment < end:
        local = moment.astimezone(zone)
        due = {
            "sweep": local.minute == 0,
            "performance": local.minute == 0 and local.hour % 6 == 0,
            "daily": (local.hour, local.minute) == (3, 5),
        }
        if due[name]:
            found.append(moment)
        moment += timedelta(minutes=1)
    return found


@pytest.mark.parametrize("begin", ["2025-02-20T08:30:00Z", "2025-10-15T08:30:00Z", "2025-06-01T08:30:00Z"])
@pytest.mark.parametrize("kills", [0.0, 0.05])
def test_thirty_days_run_every_slot_once(tmp_path, begin, kills) -> None:
    """Both clock changes are among them; runs and the service itself are killed at random."""
    world = World(tmp_path, clock.parse_moment(begin), days=30, seed=3)
    world.kill_share = world.service_kill_share = kills
    world.serve()
    first = world.clock.end - timedelta(days=30)
    for name in SCHEDULES:
        wanted = slots(name, first, world.clock.end - timedelta(hours=1))
        ran = {due: times for (job, due), times in world.succeeded.items() if job == name}
        assert set(ran.values()) == {1}
        missed = set(wanted) - set(ran)
        # A sweep whose retries end after the next one was due gives way to it.
        assert len(missed) <= (len(wanted) // 100 if kills else 0), name
        assert name == "sweep" or not missed
    assert sum(event == "run_started" for event, _ in world.events) == world.count


def test_both_changes_of_the_clock() -> None:
    """03:05 comes once on each; the hour that comes twice is swept twice."""
    daily, sweep = SCHEDULES["daily"], SCHEDULES["sweep"]
    spring, autumn = datetime(2025, 3, 9, tzinfo=timezone.utc), datetime(2025, 11, 2, tzinfo=timezone.utc)
    assert next_due(daily, spring + timedelta(hours=8)) == datetime(2025, 3, 9, 10, 5, tzinfo=timezone.utc)
    assert next_due(daily, autumn + timedelta(hours=8)) == datetime(2025, 11, 2, 11, 5, tzinfo=timezone.utc)
    for hour in range(6, 14):
        moment = autumn + timedelta(hours=hour)
        assert latest_due(sweep, moment) == moment
        assert latest_due(sweep, moment + timedelta(minutes=59, seconds=59)) == moment
        assert next_due(sweep, moment) == moment + timedelta(hours=1)


def test_what_was_missed_is_caught_up_with_once(tmp_path) -> None:
    begin = datetime(2025, 6, 1, 12, 30, tzinfo=timezone.utc)
    world = World(tmp_path, begin, days=0.01)
    world.serve()
    assert sorted(name for name, _ in world.succeeded) == ["daily", "performance", "sweep"]
    later = World(tmp_path, begin + timedelta(days=5), days=0.01)
    later.count = world.count
    later.serve()
    assert Counter(name for name, _ in later.succeeded) == {"daily": 1, "performance": 1, "sweep": 1}
    again = World(tmp_path, begin + timedelta(days=5, minutes=10), days=0.001)
    again.serve()
    assert again.count == 0


@pytest.mark.parametrize("hour", [0, 2, 9, 11, 17])
def test_what_is_due_together_runs_in_the_order_of_the_file(tmp_path, hour) -> None:
    """At any hour of the day: a daily run needs a performance run before it."""
    world = World(tmp_path, datetime(2025, 6, 1, hour, 30, tzinfo=timezone.utc), days=0.01)
    ran: list[str] = []

    def note(slot: Slot) -> Outcome:
        ran.append(slot.schedule.name)
        return Outcome(ExitCode.OK, is_transient=False)

    Service(SCHEDULES.values(), tmp_path, note, world.check, world.log, world.clock).serve()
    assert ran == list(SCHEDULES)


def test_a_transient_failure_is_tried_again_with_back_off(tmp_path) -> None:
    world = World(tmp_path, datetime(2025, 6, 1, 10, 5, tzinfo=timezone.utc), days=0.5)
    tried: list[tuple[int, datetime]] = []

    def fail(slot: Slot) -> Outcome:
        tried.append((slot.attempt, world.clock.now()))
        return Outcome(ExitCode.RUN_FAILED, is_transient=True, detail="the database went away")

    Service([SCHEDULES["daily"]], tmp_path, fail, world.check, world.log, world.clock).serve()
    assert [attempt for attempt, _ in tried] == [1, 2, 3, 4]
    waits = [(b - a).total_seconds() for (_, a), (_, b) in itertools.pairwise(tried)]
    assert waits == [300, 600, 1200]
    assert world.events[-1][0] == "run_failed"


@pytest.mark.parametrize("code", [-signal.SIGKILL, int(ExitCode.TERMINATED)], ids=["killed", "too_slow"])
def test_a_run_that_ends_badly_after_its_work_was_done_is_not_done_again(tmp_path, code) -> None:
    """Between the record of its end and the end of its process."""
    world = World(tmp_path, datetime(2025, 6, 1, 12, 0, tzinfo=timezone.utc), days=0.03)

    def finish_and_die(slot: Slot) -> Outcome:
        world.run(slot)
        return Outcome(code, is_transient=True)

    Service([SCHEDULES["sweep"]], tmp_path, finish_and_die, world.check, world.log, world.clock).serve()
    assert world.count == 1
    assert [event for event, _ in world.events] == ["run_started", "run_finished"]


def test_what_another_database_did_is_not_done_here(tmp_path) -> None:
    """They may share the folder of runs, and the slots are the same."""
    world = World(tmp_path, datetime(2025, 6, 1, 12, 20, tzinfo=timezone.utc), days=0.01)

    def serve(database: str) -> None:
        def run(slot: Slot) -> Outcome:
            outcome = world.run(slot)
            for folder in run_folders.folders(tmp_path):
                if "database" not in folder.facts():
                    folder.record({"database": database})
            return outcome

        world.clock.moment = datetime(2025, 6, 1, 12, 20, tzinfo=timezone.utc)
        args = ([SCHEDULES["sweep"]], tmp_path, run, world.check, world.log, world.clock)
        Service(*args, database=database).serve()

    serve("a")
    assert world.count == 1
    serve("a")
    assert world.count == 1
    serve("b")
    assert world.count == 2


def test_alerts_are_checked_every_ten_minutes_and_after_a_failure(tmp_path) -> None:
    """Also while nothing is due; a run that failed may have died before it could tell."""
    world = World(tmp_path, datetime(2025, 6, 1, 12, 20, tzinfo=timezone.utc), days=0.1)
    world.serve()
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(world.checks)]
    assert len(gaps) > 10
    assert max(gaps) < 10 * 60 + 3 * 90

    failing = World(tmp_path / "failing", datetime(2025, 6, 1, 10, 5, tzinfo=timezone.utc), days=0.01)
    failed_at: list[datetime] = []

    def fail(slot: Slot) -> Outcome:
        failed_at.append(failing.clock.now())
        return Outcome(ExitCode.BREAKER_OPEN, is_transient=False)

    Service([SCHEDULES["daily"]], failing.runs, fail, failing.check, failing.log, failing.clock).serve()
    assert failing.checks[: len(failed_at)] == failed_at != []


def test_a_check_that_fails_is_logged_and_ends_nothing(tmp_path) -> None:
    world = World(tmp_path, datetime(2025, 6, 1, 12, 20, tzinfo=timezone.utc), days=0.05)
    Service(SCHEDULES.values(), tmp_path, world.run, lambda: "no database", world.log, world.clock).serve()
    assert next(facts for event, facts in world.events if event == "alerts_not_checked") == {
        "why": "no database"
    }
    assert len(world.succeeded) >= 3


@pytest.mark.parametrize(
    ("code", "problems", "again"),
    [
        (ExitCode.RUN_FAILED, [{"what": "model message_outcomes", "why": "connection lost"}], True),
        (ExitCode.RUN_FAILED, [{"what": "test rejected_share", "why": "Got 1 result"}], False),
        (ExitCode.BREAKER_OPEN, [{"what": "circuit breaker", "why": "5 creators"}], False),
        (ExitCode.BUSY, [], True),
        (ExitCode.CANNOT_START, [], True),
        (-signal.SIGKILL, [], True),
        (ExitCode.USAGE, [], False),
    ],
)
def test_only_what_may_pass_is_tried_again(code, problems, again) -> None:
    assert outcome_of(int(code), {"problems": problems}, "").is_transient is again


# ---- real runs ----


@pytest.mark.slow
def test_a_real_service_runs_what_is_due_and_stops_cleanly(project) -> None:
    project.make_sample(end=clock.now())
    child = project.start("serve", "--log-format", "json")
    for name in SCHEDULES:
        child.wait_for(f'"schedule": "{name}", "slot"', timeout=60)
    child.wait_for('"event": "run_finished"', timeout=180, times=len(SCHEDULES))
    other = project.eros("serve", code=ExitCode.BUSY)
    assert "Another service" in other.stderr
    child.kill(signal.SIGTERM)
    result = child.wait()
    assert result.code == 0, str(result)
    assert '"event": "service_stopped"' in result.stderr
    rows = project.query("select job_name, job_status from etl_job_runs order by job_start_time")
    # An hour may turn meanwhile, and the sweep be due again.
    assert list(dict.fromkeys(row["job_name"] for row in rows)) == list(SCHEDULES)
    assert {row["job_status"] for row in rows if row["job_name"] != "daily"} == {"SUCCESS"}
    # Late in the evening no hour of the day is left.
    assert {row["job_status"] for row in rows} <= {"SUCCESS", "COMPLETED_NO_WORK"}


@pytest.mark.slow
def test_a_service_that_is_stopped_in_a_run_leaves_no_running_row_and_takes_it_up_again(project) -> None:
    project.make_sample(end=clock.now())
    child = project.start("serve", "--log-format", "json")
    child.wait_for("run_started")
    child.kill(signal.SIGTERM, after=1.0)
    first = child.wait()
    assert first.code == 0
    finished = '"event": "run_finished"'
    again = project.start("serve", "--log-format", "json")
    again.wait_for(finished, timeout=180, times=len(SCHEDULES) - first.stderr.count(finished))
    again.kill(signal.SIGTERM)
    assert again.wait().code == 0
    rows = project.query("select job_name, job_status from etl_job_runs")
    assert "RUNNING" not in {row["job_status"] for row in rows}
    ended_well = {row["job_name"] for row in rows if row["job_status"] == "SUCCESS"}
    # Late in the evening no hour of the day is left.
    ended_well |= {row["job_name"] for row in rows if row["job_status"] == "COMPLETED_NO_WORK"} & {"daily"}
    assert ended_well == set(SCHEDULES)


@pytest.mark.slow
def test_a_service_that_waits_for_a_run_stops_at_once(project) -> None:
    with FileLock(project.database.with_name("eros.duckdb.lock")):
        child = project.start("serve", "--log-format", "json")
        child.wait_for("service_waits")
        child.kill(signal.SIGTERM)
        result = child.wait(timeout=20)
    assert result.code == 0, str(result)
    assert '"event": "service_stopped"' in result.stderr
    assert "run_started" not in result.stderr
