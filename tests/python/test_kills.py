"""Processes that write to a DuckDB file and are killed at any moment (SIGKILL).

One kind only appends to the log, as every run does: it tears nothing, and what it committed is there. The
other makes checkpoints all the time, as a prompt or another tool may: whatever it tears, the next writer of
ours has everything that stood in the file before it began.

EROS_KILLS says how many; `make soak` has thousands.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from eros_dbt_runner import writing
from eros_dbt_runner.project import Project as Found
from eros_dbt_runner.warehouse.lock import Deadline, connect_when_free
from tests.python.harness import ROOT

KILLS = int(os.environ.get("EROS_KILLS", "25"))
WRITER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
if sys.argv[2] == "appends":
    connection.execute("set checkpoint_threshold = '1TB'")
    connection.execute("pragma disable_checkpoint_on_shutdown")
number = connection.execute("select coalesce(max(number), 0) from written").fetchone()[0]
while True:
    number += 1
    connection.execute("insert into written select ?, md5(range::varchar) from range(500)", [number])
    if number % 3 == 0:
        connection.execute("create or replace table made as select *, number + 1 as more from written")
        connection.execute("create or replace view seen as select * from made")
        connection.execute("create or replace macro one(a) as a + 1")
    if number % 5 == 0:
        connection.execute("delete from written where number % 7 = 0 and number < ?", [number - 50])
        connection.execute("drop view if exists seen")
        connection.execute("drop table if exists old_made")
        connection.execute("create or replace table made as select * from written")
        connection.execute("alter table made rename to old_made")
        connection.execute("drop table old_made")
        connection.execute("create table made as select * from written")
    if sys.argv[2] == "checkpoints":
        connection.execute("checkpoint")
    print(number, flush=True)
"""


def kill_a_writer(database: Path, kind: str, chance: random.Random) -> int:
    """Let a writer begin, kill it; gives the last number that it had committed."""
    command = [sys.executable, "-c", WRITER, str(database), kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout
        last = int(writer.stdout.readline())
        time.sleep(chance.uniform(0, 0.15))
        assert writer.poll() is None
        writer.kill()
        return max([last, *(int(line) for line in writer.stdout.read().splitlines() if line.isdigit())])


@pytest.fixture
def found(tmp_path: Path) -> Found:
    env = {
        "EROS_PROJECT_DIR": str(ROOT), "EROS_DUCKDB_PATH": str(tmp_path / "killed.duckdb"),
        "EROS_RUNS_DIR": str(tmp_path / "runs"),
    }  # fmt: skip
    found = Found.locate(env)
    with duckdb.connect(str(found.database)) as connection:
        connection.execute("create table written (number int, text varchar)")
    return found


def last_number(database: Path) -> int:
    with connect_when_free(database, Deadline(5), print, read_only=False) as connection:
        connection.execute("select count(text) from written").fetchall()
        return connection.execute("select coalesce(max(number), 0) from written").fetchone()[0]


@pytest.mark.slow
def test_who_only_appends_tears_nothing(found: Found) -> None:
    chance = random.Random(1)
    for _ in range(KILLS):
        committed = kill_a_writer(found.database, "appends", chance)
        assert last_number(found.database) >= committed
    with duckdb.connect(str(found.database), read_only=True) as connection:
        numbers = connection.execute("select number, count(*) from written group by all").fetchall()
    assert {count for _, count in numbers} == {500}
    assert not found.database.with_name("killed.duckdb.torn").exists()


@pytest.mark.slow
def test_what_another_writer_tears_is_whole_again(found: Found) -> None:
    chance, torn = random.Random(2), 0
    target = found.find_target("duckdb")
    for _ in range(KILLS):
        with writing.hold_database(found, target, "test", Deadline(5), print) as notes:
            torn += len(notes)
            before = last_number(found.database)
        kill_a_writer(found.database, "checkpoints", chance)
        with writing.hold_database(found, target, "test", Deadline(5), print) as notes:
            torn += len(notes)
        assert last_number(found.database) >= before
    print(f"{torn} torn in {KILLS} kills")
