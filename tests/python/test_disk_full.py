"""No room on the disk, and a folder that goes away: the verdict is true, and nothing is left half.

A limit on the size of a file stands for a full disk: it can be set from outside, at any moment of a run,
and by anybody. DuckDB and Python meet the same kind of error.
"""

from __future__ import annotations

import re
import resource
import shutil

import pytest

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import Child, Project, run_arguments
from tests.python.test_alerts import hook  # noqa: F401 - a fixture


def no_room(child: Child, size: int) -> None:
    """From now on no file of this process grows past `size` bytes."""
    resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (size, size))


def litter(project: Project) -> list[str]:
    """Drafts and halves, in all the places where a run writes."""
    files = [path for path in project.directory.rglob("*") if path.is_file()]
    names = [path.name for path in files if ".draft" in path.name or path.name.startswith(("run.json.", "."))]
    return [name for name in names if name not in (".done", ".gitignore", ".user.yml")]


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(4096, id="at once"),
        pytest.param(150_000, id="in the middle"),
        pytest.param(1_500_000, id="when a checkpoint is due"),
    ],
)
def test_a_run_without_room_for_its_data_failed_and_is_told(
    built: Project,
    hook,  # noqa: F811
    size: int,
) -> None:
    built.run("sweep")
    before = {name: built.table(name) for name in ("message_outcomes", "caption_bandit_stats")}
    child = built.start(
        *run_arguments("performance"), "--full-refresh", "--json", env={**hook.env, "EROS_DUCKDB_LOG_MB": "1"}
    )
    no_room(child, size)
    result = child.wait()
    assert result.code in (ExitCode.RUN_FAILED, ExitCode.CANNOT_START)
    assert result.json["status"] in ("FAILED", "NOT_RUN")
    assert result.json["exit_code"] == result.code
    assert "too large" in result.stdout
    told = [line for line in result.stderr.splitlines() if not re.match(r" +\d+/\d+ ", line)]
    assert len(told) <= 3, result.stderr
    assert "Traceback" not in result.stderr
    told = [message["text"] for message in hook.got if "performance failed" in message["text"]]
    assert len(told) == 1, hook.got
    assert litter(built) == []
    built.run("performance")
    assert {name: len(built.table(name)) for name in before} == {n: len(rows) for n, rows in before.items()}


def test_a_log_without_room_changes_no_verdict(built: Project) -> None:
    """The log of dbt is full after some lines; each further one would be an error of its own."""
    child = built.start(*run_arguments("sweep"), "--json")
    end_of_log = 60_000  # the database's own log stays below it
    no_room(child, end_of_log)
    result = child.wait()
    assert result.json["status"] == "SUCCESS"
    assert len(result.stderr.splitlines()) <= 3, result.stderr
    assert litter(built) == []


def test_a_folder_of_runs_that_is_deleted_in_mid_run_is_no_defect(built: Project) -> None:
    child = built.start(*run_arguments("performance"), "--json")
    child.wait_for("caption_bank_checked")
    shutil.rmtree(built.directory / "runs")
    result = child.wait()
    assert (result.code, result.json["status"]) == (0, "SUCCESS")
    built.edit("models/operations/caption_lock_summary.sql", "from assignments", "from nowhere")
    failing = built.start(*run_arguments("performance"), "--json")
    failing.wait_for("caption_bank_checked")
    shutil.rmtree(built.directory / "runs", ignore_errors=True)
    failing.kill(15)
    assert failing.wait().code == ExitCode.TERMINATED
    built.run("sweep", code=ExitCode.RUN_FAILED)
