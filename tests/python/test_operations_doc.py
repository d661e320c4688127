"""docs/operations.md: every command in it is run, every check and every var it names exists."""

from __future__ import annotations

import csv
import re
import shlex

import pytest
import yaml

from eros_dbt_runner.exit_codes import ExitCode
from tests.python.harness import ROOT, Project

TEXT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
# What may end otherwise: health tells the worst check, and the sample's messages are old.
MAY_END_WITH = {"eros health": ExitCode.CHECK_FAILED}


def commands() -> list[str]:
    lines = [
        line
        for block in re.findall(r"```sh\n(.*?)```", TEXT, re.S)
        for line in block.splitlines()
        if line.strip()
    ]
    return [line.split("  #")[0].strip() for line in lines]


def fill_in(project: Project, command: str) -> list[str]:
    """The command's words with the placeholders replaced by what this project has."""
    words = shlex.split(command)
    day = "2025-06-15"
    if words[:2] == ["eros", "runs"] and "ID" in words:
        known = project.eros("runs", "--json").json[0]["job_id"]
    elif words[:2] == ["eros", "restore"]:
        known = project.eros("backup", "list", "--json").json[0]["id"]
    else:
        known = ""
    if "PAGE" in command:
        page = project.table("creator_day_plan")[0]["page_name"]
        words = [word.replace("PAGE", page) for word in words]
    return [{"ID": known, "DATE": day}.get(word, word) for word in words]


@pytest.mark.slow
def test_every_command_was_run(built: Project) -> None:
    found = commands()
    assert len(found) >= 20
    env = {"EROS_AS_OF": "2025-06-15T12:00:00Z"}
    for command in found:
        program, *arguments = fill_in(built, command)
        assert program in ("eros", "dbt"), command
        result = built.start(*arguments, program=program, env=env).wait()
        assert result.code == MAY_END_WITH.get(command, 0), str(result)


def test_every_check_is_explained_and_every_name_exists() -> None:
    with (ROOT / "seeds/health_rules.csv").open(encoding="utf-8", newline="") as file:
        checks = {row["check_name"] for row in csv.DictReader(file)}
    explained = set(re.findall(r"^\| `(\w+)`", TEXT, re.M))
    # Two checks are about the alerts themselves and raise none.
    assert checks - {"unacknowledged_alerts", "alert_delivery"} == explained & checks
    variables = set(re.findall(r"`(EROS_\w+)`", TEXT))
    code = (
        "".join(
            path.read_text(encoding="utf-8")
            for folder in ("eros_dbt_runner", "macros")
            for path in (ROOT / folder).rglob("*")
            if path.suffix in (".py", ".sql")
        )
        + (ROOT / "profiles.yml").read_text()
    )
    assert {name for name in variables if name not in code} == set()


def test_what_messages_cite_is_a_heading() -> None:
    """`see docs/operations.md, *Torn file*`: somebody who is woken looks for exactly that."""
    headings = set(re.findall(r"^#+ (.+)$", TEXT, re.M))
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "eros_dbt_runner").rglob("*.py"))
    cited = re.findall(r"docs/operations\.md, \*?([A-Z][^*)`\"]+)", code)
    cited += re.findall(r"\*([A-Z][^*|]+)\* (?:below|above)", TEXT)
    assert len(cited) >= 5
    assert set(cited) <= headings


def test_the_figures_are_those_of_the_project() -> None:
    settings = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]
    says = {
        "circuit_breaker_threshold": "5 creators or more", "performance_late_hours": "for 8 hours",
        "daily_late_hours": "for 28 hours", "sweep_late_hours": "for 2 hours",
        "sweep_very_late_hours": "after 24 hours", "input_late_hours": "for 24 hours",
        "input_very_late_hours": "from 72 hours", "rejected_share_warning": "over 1 %",
        "max_rejected_share": "from 5 %", "unlearnt_share_warning": "over 40 %",
        "unlearnt_share_critical": "from 70 %", "active_locks_warning": "over 5,000",
        "active_locks_critical": "10,000", "sweep_warning_locks": "over 1,000",
        "stale_run_hours": "for 6 hours", "alert_delivery_hours": "for 72 hours",
    }  # fmt: skip
    for name, words in says.items():
        [number] = re.findall(r"[\d,]+", words)
        share = 100 if name.endswith(("share", "share_warning", "share_critical")) else 1
        assert float(number.replace(",", "")) == settings[name] * share, name
        assert words in TEXT, words
