"""Plain dbt does all that it offers: what its own commands and options need of the project."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.python.harness import AS_OF, ROOT, Project

NOW = {"EROS_AS_OF": AS_OF.isoformat()}


# ---- a parse ----


def test_a_parse_has_no_warning(project: Project) -> None:
    """Among them whatever differs between a macro and what is said of its arguments."""
    assert "validate_macro_args: true" in (project.directory / "dbt_project.yml").read_text(encoding="utf-8")
    project.dbt("--warn-error", "parse", "--no-partial-parse")


# ---- retry ----


@pytest.mark.slow
def test_retry_goes_on_where_a_run_failed(built: Project) -> None:
    """A model that failed and what was skipped after it, the closing of the run included."""
    env = {"EROS_AS_OF": (AS_OF + timedelta(days=1)).isoformat()}
    model = built.directory / "models/scheduling/selected_captions.sql"
    sound = model.read_text(encoding="utf-8")
    built.edit(
        "models/scheduling/selected_captions.sql",
        "        creators_to_schedule.schedule_date,\n",
        "        cast('x' || creators_to_schedule.page_name as date) as schedule_date,\n",
    )
    built.dbt("build", "--selector", "daily", env=env, code=1)
    model.write_text(sound, encoding="utf-8")
    built.dbt("retry", env=env)
    runs = built.query("select job_name, job_status from etl_job_runs order by job_start_time desc limit 2")
    assert [tuple(run.values()) for run in runs] == [("daily", "SUCCESS"), ("daily", "FAILED")]
    [row] = built.query(
        "select count(*) as n from schedule_recommendations where schedule_date = '2025-06-16'"
    )
    assert row["n"] > 0


# ---- an empty build, in which every warning is an error ----


@pytest.mark.slow
def test_an_empty_build_has_neither_a_failure_nor_a_warning(project: Project) -> None:
    """Unit tests see no database; they are the same in every build."""
    project.make_sample()
    project.dbt("--warn-error", "build", "--empty", "--exclude-resource-type", "unit_test", env=NOW)
    assert project.table("belief_variances") != []
    assert project.table("message_outcomes") == []
    [run] = project.table("etl_job_runs")
    assert run["job_status"] in ("SUCCESS", "COMPLETED_NO_WORK")


@pytest.mark.slow
def test_a_schedule_has_no_warning_either(built: Project) -> None:
    for schedule in ("performance", "daily", "sweep"):
        built.dbt("--warn-error", "build", "--selector", schedule, env=NOW)


# ---- freshness ----


def freshness(project: Project, *options: str, code: int) -> dict[str, str]:
    """What `dbt source freshness` finds, by table."""
    project.dbt("source", "freshness", *options, code=code)
    results = json.loads((project.directory / "target/sources.json").read_text())["results"]
    return {result["unique_id"].rsplit(".", 1)[-1]: result["status"] for result in results}


def set_newest(project: Project, hours: float, column_type: str) -> None:
    """Make the newest message that old, beside one that is not due yet."""
    moments = [datetime.now(timezone.utc) - timedelta(hours=age) for age in (hours, -48)]
    values = ", ".join(f"('{moment:%Y-%m-%d %H:%M:%S}'::{column_type})" for moment in moments)
    project.execute(
        f"create or replace view mass_messages as select * from (values {values}) as rows(sending_time)"
    )


def set_moments(project: Project, swept: float, learnt: float) -> None:
    """Make the last sweep and the last run that learnt that many hours old."""
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    for column, hours in (("lock_sweep_log set sweep_time", swept), ("learning_log set noted_at", learnt)):
        project.execute(f"update {column} = ?", [now - timedelta(hours=hours)])


def test_sources_are_as_fresh_as_the_vars_ask(built: Project) -> None:
    """As health judges them: what is not due yet is no news, and a time may be a text."""
    set_newest(built, 23.9, "timestamp")
    set_moments(built, swept=1.9, learnt=7.9)
    fresh = {"mass_messages": "pass", "lock_sweep_log": "pass", "learning_log": "pass"}
    assert freshness(built, code=0) == fresh
    set_newest(built, 24.1, "varchar")
    set_moments(built, swept=2.1, learnt=8.1)
    late = {"mass_messages": "warn", "lock_sweep_log": "warn", "learning_log": "error"}
    assert freshness(built, code=1) == late
    limits = "{input_late_hours: 25, sweep_late_hours: 3, performance_late_hours: 9}"
    assert freshness(built, "--vars", limits, code=0) == fresh
    set_newest(built, 72.1, "timestamp")
    set_moments(built, swept=24.1, learnt=1)
    worst = {"mass_messages": "error", "lock_sweep_log": "error", "learning_log": "pass"}
    assert freshness(built, code=1) == worst


# ---- sqlfluff, as an editor runs it ----


@pytest.mark.slow
def test_a_lint_from_an_editor_opens_no_database(built: Project) -> None:
    """Neither one that is there nor one that is not; so it is green whatever has been built."""
    pytest.importorskip("sqlfluff", reason="the extra `lint` is not installed")
    for part in (".sqlfluff", "lint"):
        source = ROOT / part
        (shutil.copytree if source.is_dir() else shutil.copy)(source, built.directory / part)
    command = [
        Path(sys.executable).parent / "sqlfluff", "lint", "--disable-progress-bar",
        "models/learning/message_outcomes.sql", "models/staging/mass_messages_checked.sql",
    ]  # fmt: skip
    env = {name: value for name, value in os.environ.items() if not name.startswith(("EROS_", "DBT_"))}
    for makes_room in (False, True):
        if makes_room:
            built.database.unlink()
        else:
            built.database.write_bytes(b"no database: whoever opens it fails")
        result = subprocess.run(command, cwd=built.directory, env=env, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
    assert not built.database.exists()
