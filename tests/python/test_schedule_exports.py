"""`eros schedules export`: what it writes is valid for the tool it is for, and means the same times."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project
from eros_dbt_runner.schedules import read_schedules
from eros_dbt_runner.service.exports import FORMATS, on_calendar, settings_of
from tests.python.harness import ROOT

SCHEDULES = read_schedules(ROOT / "schedules.yml")


def exported(file_format: str, folder: Path) -> dict[str, Path]:
    files = FORMATS[file_format](SCHEDULES.values(), Path("/srv/eros"), Path("/srv/eros/.venv/bin/eros"))
    for name, text in files.items():
        (folder / name).write_text(text)
    return {name: folder / name for name in files}


def test_a_crontab_has_every_schedule_in_its_zone(tmp_path) -> None:
    lines = exported("cron", tmp_path)["eros.crontab"].read_text().splitlines()
    assert "CRON_TZ=America/Los_Angeles" in lines
    for schedule in SCHEDULES.values():
        assert f"{schedule.cron} cd /srv/eros && /srv/eros/.venv/bin/eros run {schedule.name}" in lines


@pytest.mark.parametrize(
    ("cron", "wanted"),
    [
        ("5 3 * * *", "*-*-* 03:05:00 America/Los_Angeles"),
        ("0 */6 * * *", "*-*-* 00,06,12,18:00:00 America/Los_Angeles"),
        ("0 * * * *", "*-*-* *:00:00 America/Los_Angeles"),
        ("*/30 8-9 * * 1-5", "Mon,Tue,Wed,Thu,Fri *-*-* 08,09:00,30:00 America/Los_Angeles"),
        ("0 0 1 1,7 *", "*-01,07-01 00:00:00 America/Los_Angeles"),
        ("0 0 * * 0", "Sun *-*-* 00:00:00 America/Los_Angeles"),
    ],
)
def test_systemd_says_the_same_times(cron, wanted) -> None:
    schedule = dataclasses.replace(SCHEDULES["daily"], cron=cron)
    assert on_calendar(schedule) == wanted


@pytest.mark.parametrize("cron", ["0 0 1 * 1", "0 0 * * 0#2"])
def test_what_systemd_cannot_say_is_told(cron: str) -> None:
    with pytest.raises(ErosError, match="cannot say"):
        on_calendar(dataclasses.replace(SCHEDULES["daily"], cron=cron))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd on this machine")
def test_systemd_agrees(tmp_path) -> None:
    """By systemd's own tool: the units are valid and 03:05 comes on the day of the clock change."""
    files = exported("systemd", tmp_path)
    assert len(files) == 2 * len(SCHEDULES)
    answer = subprocess.run(
        ["systemd-analyze", "calendar", on_calendar(SCHEDULES["daily"]), "--base-time=2025-03-09 08:00 UTC"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "2025-03-09 10:05:00 UTC" in answer.stdout


def test_the_workflow_is_valid_and_has_a_job_per_schedule(tmp_path) -> None:
    path = exported("github-actions", tmp_path)["eros.yml"]
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    checked = subprocess.run([*command, str(path)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
    broken = tmp_path / "broken.yml"
    broken.write_text(path.read_text().replace("runs-on", "runs-at"))
    assert subprocess.run([*command, str(broken)], capture_output=True).returncode != 0
    workflow = yaml.safe_load(path.read_text())
    assert set(workflow["jobs"]) == set(SCHEDULES)
    assert [entry["cron"] for entry in workflow["on"]["schedule"]] == [s.cron for s in SCHEDULES.values()]


def test_the_cloud_run_script_deploys_and_schedules_every_job(tmp_path) -> None:
    path = exported("cloud-run", tmp_path)["eros-cloud-run.sh"]
    subprocess.run(["bash", "-n", str(path)], check=True)
    bin_folder, calls = tmp_path / "bin", tmp_path / "calls"
    bin_folder.mkdir()
    (bin_folder / "gcloud").write_text(f'#!/bin/sh\necho "$@" >> {calls}\n')
    (bin_folder / "gcloud").chmod(0o755)
    env = {"PATH": f"{bin_folder}:/usr/bin:/bin", "PROJECT": "p", "REGION": "r", "IMAGE": "i"}
    subprocess.run(["bash", str(path)], env={**env, "SERVICE_ACCOUNT": "s@p"}, check=True)
    made = calls.read_text()
    for schedule in SCHEDULES.values():
        assert f"run jobs deploy eros-{schedule.name} --project p --region r --image i" in made
        assert f"--schedule {schedule.cron} --time-zone America/Los_Angeles" in made
    assert subprocess.run(["bash", str(path)], env=env, capture_output=True).returncode != 0


SET = {
    "EROS_DATA_DIR": "exports", "EROS_DUCKDB_PATH": "x 100%.duckdb", "EROS_THREADS": "2",
    "EROS_AS_OF": "2025-06-15", "EROS_BIGQUERY_PROJECT": "p-1", "DBT_TARGET": "duckdb", "HOME": "h",
    "EROS_RUNS_DIR": "",
}  # fmt: skip


def test_the_settings_are_carried_and_a_run_finds_the_same_places() -> None:
    """Paths are made absolute; what belongs to one run, and what is empty, is none of the settings."""
    settings = settings_of(Project.locate({"EROS_PROJECT_DIR": str(ROOT), **SET}), SET)
    assert settings == {
        "DBT_TARGET": "duckdb", "EROS_BIGQUERY_PROJECT": "p-1", "EROS_DATA_DIR": str(ROOT / "exports"),
        "EROS_DUCKDB_PATH": str(ROOT / "x 100%.duckdb"), "EROS_THREADS": "2",
    }  # fmt: skip
    files = {
        name: "\n".join(make(SCHEDULES.values(), ROOT, Path("/bin/eros"), settings).values())
        for name, make in FORMATS.items()
    }
    assert f'\nEROS_DATA_DIR="{ROOT / "exports"}"\n' in files["cron"]
    assert files["systemd"].count(f'Environment="EROS_DUCKDB_PATH={ROOT}/x 100%%.duckdb"\n') == len(SCHEDULES)
    assert files["cloud-run"].count("EROS_BIGQUERY_PROJECT=p-1@") == len(SCHEDULES)
    assert files["github-actions"].count("EROS_BIGQUERY_PROJECT: p-1") == len(SCHEDULES)
    for elsewhere in ("cloud-run", "github-actions"):
        assert "EROS_DATA_DIR" not in files[elsewhere]


def test_secrets_are_refused(project) -> None:
    told = project.eros(
        "schedules", "export", "--format", "cron", env={"EROS_SMTP_PASSWORD": "x"}, code=ExitCode.USAGE
    ).stderr
    assert "EROS_SMTP_PASSWORD would stand readable" in told


def test_the_command_writes_files_or_prints_them(project, tmp_path) -> None:
    printed = project.eros("schedules", "export", "--format", "cron").stdout
    assert "run daily" in printed
    project.eros("schedules", "export", "--format", "systemd", "--output", str(tmp_path / "units"))
    assert {path.suffix for path in (tmp_path / "units").iterdir()} == {".service", ".timer"}
    wrong = project.eros("schedules", "export", "--format", "windows", code=ExitCode.USAGE)
    assert "windows" in wrong.stderr
