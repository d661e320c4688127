"""A database file that a killed process has torn: the next writer finds it whole again."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import pytest

from eros_dbt_runner import writing
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline
from eros_dbt_runner.project import Project as Found
from tests.python.harness import SCHEMA, Project

# DuckDB's file: three headers of 4 KiB, then blocks of 256 KiB that begin with their checksum.
FIRST_BLOCK, BLOCK = 3 * 4096, 2**18


def beside(project: Project, ending: str):
    return project.database.with_name(f"{project.database.name}.{ending}")


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


def test_the_next_run_finds_a_torn_file_whole_and_says_so(built: Project) -> None:
    """Nothing is lost of what ended before the process that was killed began to write."""
    swept = built.run("sweep").json["invocation_id"]
    built.eros("alerts", "check")
    before = rows_of(built)
    tear(built, metadata_blocks(built)[0])
    beside(built, "wal.checkpoint").write_bytes(b"of the torn file")

    answer = built.run("sweep").json
    assert answer["status"] == "SUCCESS"
    [warning] = answer["warnings"]
    assert warning["name"] == "database_file"
    assert "torn" in warning["message"]
    assert rows_of(built) == before
    assert built.query("select job_status from etl_job_runs where job_id = ?", [swept]) == [
        {"job_status": "SUCCESS"}
    ]
    alerts = built.query("select * from automation_alerts where alert_source = 'database_file'")
    assert [(alert["alert_level"], alert["alert_message"]) for alert in alerts] == [
        ("WARNING", warning["message"])
    ]
    assert not beside(built, "wal.checkpoint").exists()
    assert beside(built, "torn.wal.checkpoint").read_bytes() == b"of the torn file"
    with pytest.raises(duckdb.Error, match="Corrupt"):
        duckdb.connect(str(beside(built, "torn")), read_only=True)
    assert built.run("sweep").json["warnings"] == []


def test_a_run_whose_work_was_lost_with_the_file_failed(built: Project) -> None:
    """It was killed in its last write: its folder says RUNNING, and the file knows nothing of it."""
    before = built.database.read_bytes()
    lost = built.run("sweep").json["invocation_id"]
    [folder] = [
        path for path in built.directory.glob("runs/*/run.json") if lost in path.read_text(encoding="utf-8")
    ]
    record = json.loads(folder.read_text(encoding="utf-8"))
    folder.write_text(json.dumps({**record, "status": "RUNNING"}), encoding="utf-8")
    built.database.write_bytes(before)
    built.run("sweep")
    rows = built.query("select job_status, error_message from etl_job_runs where job_id = ?", [lost])
    assert rows == [{"job_status": "FAILED", "error_message": "the run was killed"}]
    assert json.loads(folder.read_text(encoding="utf-8"))["status"] == "FAILED"


def test_every_torn_part_is_noticed_before_it_is_copied(built: Project) -> None:
    """Whichever block of those that DuckDB writes in place."""
    found = Found.locate({"EROS_PROJECT_DIR": str(built.directory)})
    target = found.find_target(None)
    # Many tables, so that what is stored where fills more than one block.
    with duckdb.connect(str(built.database)) as connection:
        for number in range(400):
            connection.execute(f"create table main.t{number} as select range as a from range(10)")
    with writing.hold_database(found, target, "test", Deadline(0), print) as notes:
        assert notes == []
    whole = beside(built, "whole").read_bytes()
    blocks = metadata_blocks(built)
    assert len(blocks) > 1
    for block in blocks:
        tear(built, block)
        with writing.hold_database(found, target, "test", Deadline(0), print) as notes:
            assert len(notes) == 1, block
        assert built.query("select count(*) as n from main.t399") == [{"n": 10}]
        beside(built, "whole").write_bytes(whole)
        built.database.write_bytes(whole)


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


def test_without_a_copy_a_backup_brings_it_back(built: Project) -> None:
    backup = json.loads(built.eros("backup", "--json").stdout)
    before = rows_of(built)
    beside(built, "whole").unlink()
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
