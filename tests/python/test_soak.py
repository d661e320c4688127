"""`eros serve` for days on a fast clock, with real runs on a real file, killed at random.

A day of each clock change; EROS_SOAK_DAYS=15 makes it the thirty days of the promise (`make soak`,
about a quarter of an hour).
"""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from datetime import datetime, timedelta

import pytest

from eros_dbt_runner import clock, run_folders
from eros_dbt_runner.project import Project as Found
from eros_dbt_runner.runner import records
from eros_dbt_runner.runner.request import SLOT_VARIABLE, Request
from eros_dbt_runner.service.processes import Outcome, Slot, outcome_of
from eros_dbt_runner.service.service import Service
from tests.python.harness import Child, Project
from tests.python.test_service import SCHEDULES, FastClock, KilledError, slots

DAYS = int(os.environ.get("EROS_SOAK_DAYS", "1"))
KILLED_RUNS, KILLED_SERVICES = 0.1, 0.08
BUSY_SECONDS = 120


class RealWorld:
    """A project, a fast clock, and a service whose runs are real and may be killed, as it may itself."""

    def __init__(self, project: Project, begin: datetime) -> None:
        self.project, self.rng = project, random.Random(str(begin))
        self.clock = FastClock(begin, begin + timedelta(days=DAYS))
        self.found = Found.locate({"EROS_PROJECT_DIR": str(project.directory)})
        target = self.found.find_target(None)
        self.request = Request(self.found, next(iter(SCHEDULES.values())), target)
        self.killed: Counter[str] = Counter()
        self.problems: list[str] = []
        self.events: list[tuple[str, dict]] = []

    def run(self, slot: Slot) -> Outcome:
        moment = self.clock.moment
        child = self.project.start(
            "run", slot.schedule.name, "--as-of", clock.iso(moment), "--json",
            env={SLOT_VARIABLE: clock.iso(slot.due)},
        )  # fmt: skip
        self.clock.moment += timedelta(seconds=self.rng.uniform(2, 60))
        chance = self.rng.random()
        if chance < KILLED_SERVICES:
            self.killed["service"] += 1
            self._maybe_kill(child)
            raise KilledError
        if chance < KILLED_SERVICES + KILLED_RUNS:
            self.killed["run"] += 1
            child.kill(signal.SIGKILL, after=self.rng.uniform(0, 2.5))
        result = child.wait()
        if result.code < 0:
            records.tidy_up(self.request, BUSY_SECONDS, print)
        if result.code > 0:
            self.problems.append(str(result))
        return outcome_of(result.code, result.json if result.code >= 0 else {}, result.stderr)

    def _maybe_kill(self, child: Child) -> None:
        """A service that dies leaves its run to itself, or takes it along."""
        if self.rng.random() < 0.5:
            child.kill(signal.SIGKILL, after=self.rng.uniform(0, 2.5))
        else:
            child.wait()

    def log(self, event: str, **facts: object) -> None:
        self.events.append((event, facts))

    def serve(self) -> None:
        while True:
            records.tidy_up(self.request, BUSY_SECONDS, print)
            service = Service(SCHEDULES.values(), self.found.runs_dir, self.run, str, self.log, self.clock)
            try:
                return service.serve()
            except KilledError:
                self.clock.moment += timedelta(seconds=self.rng.uniform(1, 300))


def succeeded(world: RealWorld) -> Counter[tuple[str, datetime]]:
    """How often each slot's run succeeded, by the folders of the runs."""
    facts = [folder.facts() for folder in run_folders.folders(world.found.runs_dir)]
    return Counter(
        (fact["schedule"], clock.parse_moment(fact["slot"]))
        for fact in facts
        if fact["slot"] and fact["status"] not in ("RUNNING", "FAILED")
    )


@pytest.mark.slow
@pytest.mark.parametrize("begin", ["2025-03-09T00:30:00Z", "2025-11-02T00:30:00Z"], ids=["spring", "autumn"])
def test_days_of_real_runs_with_random_kills(project: Project, begin: str) -> None:
    first = clock.parse_moment(begin)
    project.make_sample(pages=3, captions=600, messages=1500, end=first + timedelta(days=DAYS))
    project.run("performance", as_of=first)  # a daily run before the first of these cannot begin
    world = RealWorld(project, first)
    world.serve()
    assert world.problems == []
    assert world.killed["run"] > 0 < world.killed["service"]

    done = succeeded(world)
    assert set(done.values()) == {1}
    wanted = {
        (name, due) for name in SCHEDULES for due in slots(name, first, world.clock.end - timedelta(hours=1))
    }
    superseded = wanted - set(done)  # a sweep that was killed so late that the next one was due
    assert {name for name, _ in superseded} <= {"sweep"}
    assert len(superseded) <= max(3, len(wanted) // 25)

    rows = project.query("select job_name, job_status, count(*) as n from etl_job_runs group by all")
    by_status = Counter()
    for row in rows:
        by_status[row["job_status"]] += row["n"]
    assert by_status["RUNNING"] == 0
    assert by_status["SUCCESS"] == sum(done.values()) + 1
    assert by_status["FAILED"] > 0
    alerts = project.query("select job_id from automation_alerts where alert_source = 'job_run'")
    failed = project.query("select job_id from etl_job_runs where job_status = 'FAILED'")
    assert sorted(row["job_id"] for row in alerts) == sorted(row["job_id"] for row in failed)

    assert_no_lock_is_lost_or_doubled(project, world.clock.end)


def assert_no_lock_is_lost_or_doubled(project: Project, end: datetime) -> None:
    """Each published message has one lock, a lock of a past day is released, and nothing else is locked."""
    days = project.query("select distinct schedule_date as day from schedule_recommendations order by 1")
    assert len(days) >= DAYS
    assert days[-1]["day"] - days[0]["day"] == timedelta(days=len(days) - 1)
    found = project.query(
        "select recommended.schedule_id, recommended.time_slot_rank, count(locks.assignment_key) as locks"
        " from schedule_recommendations as recommended left join active_caption_assignments as locks"
        " on locks.page_name = recommended.page_name and locks.caption_id = recommended.caption_id"
        " and locks.scheduled_send_date = recommended.schedule_date"
        " and locks.scheduled_send_hour = recommended.send_hour"
        " group by all having count(*) != 1 or locks != 1"
    )
    assert found == []
    [total] = project.query(
        "select (select count(*) from schedule_recommendations) as messages,"
        " (select count(*) from active_caption_assignments) as locks"
    )
    assert total["messages"] == total["locks"] > 0
    today = clock.local_date(end, SCHEDULES["sweep"].timezone)
    wrong = project.query(
        "select * from active_caption_assignments"
        " where is_active != (scheduled_send_date >= ?) or (is_active and deactivation_reason is not null)",
        [today],
    )
    assert wrong == []
