"""A database file that a killed process has torn: the next writer finds it whole again."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from eros_dbt_runner import writing
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project as Found
from eros_dbt_runner.warehouse import whole_file
from eros_dbt_runner.warehouse.lock import Deadline, is_torn_error
from tests.python.harness import AS_OF, SCHEMA, Project

# DuckDB's file: three headers of 4 KiB, then blocks of 256 KiB that begin with their checksum.
FIRST_BLOCK, BLOCK = 3 * 4096, 2**18


def beside(project: Project, ending: str):
    return project.database.with_name(f"{project.database.name}.{ending}")


def write_without_log(file: Path, content: bytes) -> None:
    """Make `file` a database that has no log of its own."""
    file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
    file.write_bytes(content)


def without_log(project: Project) -> bytes:
    """The database as one file, of which there is a copy; gives its content."""
    project.execute("create or replace table touched as select 1 as a")
    with duckdb.connect(str(project.database)) as connection:
        connection.execute("checkpoint")
    assert held(project) == []
    assert not beside(project, "whole.wal").exists()
    return beside(project, "whole").read_bytes()


def metadata_blocks(project: Project) -> list[int]:
    return [row["block_id"] for row in project.query("select block_id from pragma_metadata_info()")]


def tear(project: Project, block: int) -> None:
    """What is left of a block whose writing broke off: its checksum is new, its end is old."""
    with project.database.open("r+b") as file:
        file.seek(FIRST_BLOCK + block * BLOCK)
        checksum = file.read(8)
        file.seek(-8, 1)
        file.write(bytes(byte ^ 255 for byte in checksum))


def rows_of(project: Project) -> dict[str, list]:
    """Every row of the tables that last."""
    names = ("active_caption_assignments", "schedule_recommendations", "message_outcomes", "lock_sweep_log")
    return {name: project.table(name) for name in names}


def held(project: Project) -> list[str]:
    """What a writer is told when it gets the lock."""
    found = Found.locate({"EROS_PROJECT_DIR": str(project.directory)})
    with writing.hold_database(found, found.find_target(None), "test", Deadline(0), print) as notes:
        return list(notes)


def test_the_next_run_finds_a_torn_file_whole_and_says_so(built: Project) -> None:
    """The published day is back; what was written since the copy is named, and done again."""
    before = rows_of(built)
    swept = built.run("sweep").json["invocation_id"]
    built.eros("alerts", "check")
    tear(built, metadata_blocks(built)[0])
    beside(built, "wal.checkpoint").write_bytes(b"of the torn file")

    answer = built.run("sweep").json
    assert answer["status"] == "SUCCESS"
    [warning] = answer["warnings"]
    assert warning["name"] == "database_file"
    assert "torn" in warning["message"]
    assert f"lost is what was written since: sweep {swept[:8]};" in warning["message"]
    assert {**rows_of(built), "lock_sweep_log": []} == {**before, "lock_sweep_log": []}
    assert built.query("select * from etl_job_runs where job_id = ?", [swept]) == []
    alerts = built.query("select * from automation_alerts where alert_source = 'database_file'")
    assert [(alert["alert_level"], alert["alert_message"]) for alert in alerts] == [
        ("WARNING", warning["message"])
    ]
    assert not beside(built, "wal.checkpoint").exists()
    assert beside(built, "torn.wal.checkpoint").read_bytes() == b"of the torn file"
    beside(built, "torn.wal.checkpoint").unlink()
    with pytest.raises(duckdb.Error, match="Corrupt"):
        duckdb.connect(str(beside(built, "torn")), read_only=True)
    assert built.run("sweep").json["warnings"] == []
    built.eros("alerts", "ack", next(iter(alerts))["alert_id"][:8])


def test_a_run_whose_work_was_lost_with_the_file_failed(built: Project) -> None:
    """It was killed in its last write: its folder says RUNNING, and the file knows nothing of it."""
    before = {file: file.read_bytes() for file in (built.database, beside(built, "wal")) if file.exists()}
    lost = built.run("sweep").json["invocation_id"]
    [folder] = [
        path for path in built.directory.glob("runs/*/run.json") if lost in path.read_text(encoding="utf-8")
    ]
    record = json.loads(folder.read_text(encoding="utf-8"))
    folder.write_text(json.dumps({**record, "status": "RUNNING"}), encoding="utf-8")
    beside(built, "wal").unlink()
    for file, content in before.items():
        file.write_bytes(content)
    built.run("sweep")
    rows = built.query("select job_status, error_message from etl_job_runs where job_id = ?", [lost])
    assert rows == [{"job_status": "FAILED", "error_message": "the run was killed"}]
    assert json.loads(folder.read_text(encoding="utf-8"))["status"] == "FAILED"


def garbage(length: int) -> bytes:
    return random.Random(1).randbytes(length)


DAMAGES = {
    "nothing left": lambda _: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "a few bytes": lambda whole: whole[:100],
    "only its headers": lambda whole: whole[:FIRST_BLOCK],
    "another magic": lambda whole: whole[:8] + b"XXXX" + whole[12:],
    "no header": lambda whole: garbage(FIRST_BLOCK) + whole[FIRST_BLOCK:],
    "zeros for a header": lambda whole: bytes(FIRST_BLOCK) + whole[FIRST_BLOCK:],
    "both database headers": lambda whole: whole[:4096] + garbage(2 * 4096) + whole[FIRST_BLOCK:],
    "a bit in the version": lambda whole: whole[:12] + bytes([whole[12] ^ 1]) + whole[13:],
    "no blocks": lambda whole: whole[:FIRST_BLOCK] + garbage(len(whole) - FIRST_BLOCK),
    "the middle of every block": lambda whole: b"".join(
        [whole[:FIRST_BLOCK]]
        + [
            whole[at : at + 1000] + garbage(500) + whole[at + 1500 : at + BLOCK]
            for at in range(FIRST_BLOCK, len(whole), BLOCK)
        ]
    ),
    "a text": lambda _: b"caption_id,caption_text\n" * 1000,
}


def test_a_damaged_file_is_healed_whatever_the_damage(built: Project) -> None:
    built.run("sweep")
    whole = without_log(built)
    before = rows_of(built)
    beside(built, "wal").unlink(missing_ok=True)
    for name, damage in DAMAGES.items():
        write_without_log(beside(built, "whole"), whole)
        write_without_log(built.database, damage(whole))
        [note] = held(built)
        assert "torn" in note, name
        after = rows_of(built)
        assert after["schedule_recommendations"] == before["schedule_recommendations"], name
        assert after["message_outcomes"] == before["message_outcomes"], name
        assert held(built) == [], name


def test_one_damaged_block_of_data_is_found(built: Project) -> None:
    """Opening reads the head of the file only."""
    built.execute("create table many as select range as a, md5(range::varchar) as b from range(300000)")
    assert held(built) == []
    content = bytearray(built.database.read_bytes())
    content[-BLOCK + 5000 : -BLOCK + 6000] = garbage(1000)
    at = 12 * BLOCK + FIRST_BLOCK
    content[at + 5000 : at + 6000] = garbage(1000)
    built.database.write_bytes(bytes(content))
    with duckdb.connect(str(built.database), read_only=True) as opened:
        assert opened.execute("select 1").fetchall()
    [note] = held(built)
    assert "torn" in note
    assert built.query("select count(*) as n from many where md5(a::varchar) = b") == [{"n": 300000}]


def test_a_damaged_log_is_healed(built: Project) -> None:
    built.run("sweep")
    log = beside(built, "wal")
    content = log.read_bytes()
    middle = len(content) // 2
    log.write_bytes(content[:middle] + garbage(50) + content[middle + 50 :])
    [note] = held(built)
    assert "torn" in note
    assert beside(built, "torn.wal").exists()


NEWER = (
    "Serialization Error: Cannot open database: trying to read a database file with version number 99, but"
    " we can only read versions between 64 and 67.",
    'Catalog Error: Cannot open encrypted database "x" without a key',
    'IO Error: Cannot open file "x.duckdb": Permission denied',
    'IO Error: Could not read from file "x.duckdb": Input/output error',
    'IO Error: Could not set lock on file "x.duckdb": Conflicting lock is held',
    "IO Error: Failure while replaying WAL file: Could not write file: No space left on device",
)


@pytest.mark.parametrize("text", NEWER)
def test_what_is_whole_and_cannot_be_opened_is_no_damage(text: str) -> None:
    assert not is_torn_error(text)


def test_an_encrypted_file_stays_as_it_is(built: Project) -> None:
    whole = beside(built, "whole").read_bytes()
    built.database.unlink()
    beside(built, "wal").unlink(missing_ok=True)
    with duckdb.connect() as connection:
        connection.execute("set force_mbedtls_unsafe = 'true'")
        connection.execute(f"attach '{built.database}' as secret (encryption_key 'asdf')")
        connection.execute("create table secret.t as select 1 as a")
    before = built.database.read_bytes()
    result = built.eros("run", "sweep", code=ExitCode.CANNOT_START)
    assert "encrypt" in result.stderr
    assert result.stderr.count("\n") == 1
    assert built.database.read_bytes() == before
    assert beside(built, "whole").read_bytes() == whole
    assert not beside(built, "torn").exists()


def test_runs_only_append_to_the_log(built: Project) -> None:
    """Plain dbt too; the file itself changes when a step of its own puts the log into it."""
    held(built)
    file, copy = built.database.read_bytes(), beside(built, "whole").stat().st_ino
    built.run("sweep")
    built.run("performance")
    built.dbt("build", "--select", "caption_lock_summary")
    built.eros("alerts", "check")
    assert built.database.read_bytes() == file
    assert beside(built, "whole").stat().st_ino == copy
    assert beside(built, "wal").stat().st_size > 0
    built.run("sweep", env={"EROS_DUCKDB_LOG_MB": "nothing"}, code=ExitCode.USAGE)


def test_the_log_goes_into_the_file_when_it_is_due(built: Project, monkeypatch) -> None:
    held(built)
    built.run("sweep")
    copy = beside(built, "whole")
    first = copy.stat().st_ino
    held(built)
    assert copy.stat().st_ino == first
    monkeypatch.setattr(whole_file, "CHECKPOINT_EVERY", timedelta(0))
    assert held(built) == []
    assert copy.stat().st_ino != first
    assert not beside(built, "wal").exists() or not beside(built, "wal").stat().st_size
    with duckdb.connect(str(copy), read_only=True) as kept:
        names = kept.execute(f"select job_name from {SCHEMA}.etl_job_runs").fetchall()
    assert names.count(("sweep",)) == 1
    assert not beside(built, "draft").exists()
    assert not beside(built, "draft.wal").exists()


def test_a_run_whose_log_is_long_makes_the_checkpoint_itself(built: Project) -> None:
    """The copy and its log have everything that stood in the file and its log."""
    held(built)
    first = beside(built, "whole").stat().st_ino
    env = {"EROS_DUCKDB_LOG_MB": "1"}
    run = built.run("performance", "--full-refresh", env=env).json
    assert run["warnings"] == []
    assert beside(built, "whole").stat().st_ino != first
    assert beside(built, "whole.wal").stat().st_size > 10**6
    assert not beside(built, "wal").exists() or beside(built, "wal").stat().st_size < 10**5
    assert not list(built.directory.glob("*.draft*"))
    before, outcomes = built.query("select job_id from etl_job_runs order by 1"), rows_of(built)
    assert {"job_id": run["invocation_id"]} in before
    write_without_log(built.database, b"")
    [note] = held(built)
    assert "torn" in note
    assert built.query("select job_id from etl_job_runs order by 1") == before
    assert rows_of(built) == outcomes


def test_a_day_that_was_published_is_in_the_copy(built: Project) -> None:
    def days() -> list:
        with duckdb.connect(str(beside(built, "whole")), read_only=True) as copy:
            return copy.execute(
                f"select distinct schedule_date from {SCHEMA}.schedule_recommendations order by 1"
            ).fetchall()

    first = days()
    built.run("daily")
    assert days() == first
    copy = beside(built, "whole").stat().st_ino
    built.run("daily", as_of=AS_OF + timedelta(days=1))
    assert len(days()) == len(first) + 1
    second = beside(built, "whole").stat().st_ino
    assert second != copy
    built.run("daily", as_of=AS_OF + timedelta(days=1))
    assert beside(built, "whole").stat().st_ino == second


@pytest.mark.parametrize("kind", ["copy", "link"])
def test_the_file_goes_by_any_name(built: Project, kind: str) -> None:
    held(built)
    other = built.directory / "elsewhere.duckdb"
    if kind == "copy":
        shutil.move(built.database, other)
        beside(built, "wal").unlink(missing_ok=True)
    else:
        other.symlink_to(built.database)
    env = {"EROS_DUCKDB_PATH": str(other)}
    with duckdb.connect(str(other), read_only=True) as connection:
        for (view,) in connection.execute(
            f"select view_name from duckdb_views() where schema_name = '{SCHEMA}'"
        ).fetchall():
            connection.execute(f"select * from {SCHEMA}.{view} limit 1").fetchall()
    before = len(built.eros("runs", "--json", env=env).json)
    built.eros("health", env=env, code=None)
    assert built.run("sweep", env=env).json["status"] == "SUCCESS"
    assert built.run("daily", env=env).json["status"] == "SUCCESS"
    assert len(built.eros("runs", "--json", env=env).json) == before + 2
    assert built.eros("select", "--help").code == 0


def test_every_torn_part_is_noticed_before_it_is_copied(built: Project) -> None:
    """Whichever block of those that DuckDB writes in place."""
    found = Found.locate({"EROS_PROJECT_DIR": str(built.directory)})
    target = found.find_target(None)
    # Many tables, so that what is stored where fills more than one block.
    with duckdb.connect(str(built.database)) as connection:
        for number in range(400):
            connection.execute(f"create table main.t{number} as select range as a from range(10)")
    whole = without_log(built)
    blocks = metadata_blocks(built)
    assert len(blocks) > 1
    for block in blocks:
        tear(built, block)
        with writing.hold_database(found, target, "test", Deadline(0), print) as notes:
            assert len(notes) == 1, block
        assert built.query("select count(*) as n from main.t399") == [{"n": 10}]
        write_without_log(beside(built, "whole"), whole)
        write_without_log(built.database, whole)


def test_an_unchanged_file_is_not_copied_again(built: Project) -> None:
    found = Found.locate({"EROS_PROJECT_DIR": str(built.directory)})
    target = found.find_target(None)

    def kept() -> int:
        with writing.hold_database(found, target, "test", Deadline(0), print):
            return beside(built, "whole").stat().st_ino

    first = kept()
    assert kept() == first
    built.execute("create table somebodys as select 1 as a")
    second = kept()
    assert second != first
    with duckdb.connect(str(beside(built, "whole")), read_only=True) as copy:
        assert copy.execute(f"select a from {SCHEMA}.somebodys").fetchall() == [(1,)]


@pytest.mark.parametrize("copy", ["gone", "damaged"])
def test_without_a_copy_a_backup_brings_it_back(built: Project, copy: str) -> None:
    backup = json.loads(built.eros("backup", "--json").stdout)
    before = rows_of(built)
    beside(built, "whole").unlink() if copy == "gone" else beside(built, "whole").write_bytes(garbage(9000))
    tear(built, metadata_blocks(built)[0])
    for command in (["run", "sweep"], ["health"], ["alerts", "check"], ["backup"]):
        result = built.eros(*command, code=ExitCode.CANNOT_START)
        assert "is torn" in result.stderr
        assert "`eros restore`" in result.stderr
        assert result.stderr.count("\n") == 1
    built.eros("restore", backup["id"], "--yes")
    assert rows_of(built) == before
    assert beside(built, "torn").exists()
    built.run("sweep")


def test_a_copy_that_cannot_be_kept_stops_no_run(built: Project) -> None:
    built.execute("create table somebodys as select 1 as a")
    beside(built, "draft").mkdir()
    [warning] = built.run("sweep").json["warnings"]
    assert warning["message"] == "no copy of the database could be kept: Is a directory"


def test_a_new_database_has_nothing_of_one_that_was_taken_away(built: Project) -> None:
    built.run("sweep")
    built.database.unlink()
    built.run("performance")
    with duckdb.connect(str(beside(built, "whole")), read_only=True) as copy:
        names = {name for (name,) in copy.execute("select table_name from duckdb_tables()").fetchall()}
    assert "etl_job_runs" in names
    assert "schedule_recommendations" not in names
    assert beside(built, "lost").exists()


def test_a_file_that_somebody_has_open_is_left_alone(built: Project) -> None:
    """The writer itself waits for it then, or gives up."""
    built.execute("create table somebodys as select 1 as a")
    kept = beside(built, "whole").read_bytes()
    found = Found.locate({"EROS_PROJECT_DIR": str(built.directory)})
    prompt = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", prompt, built.database], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout.readline() == b"open\n"
        with writing.hold_database(found, found.find_target(None), "test", Deadline(0), print) as notes:
            assert notes == []
        program.stdin.close()
    assert beside(built, "whole").read_bytes() == kept
