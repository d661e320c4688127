"""CONTRIBUTING.md is true: its changes are made on a copy, as they stand there, right and wrong."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from tests.python.harness import AS_OF, ROOT, Project, copy_checkout

GUIDE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GROUNDHOG_DAY = datetime(2025, 2, 2, 20, tzinfo=timezone.utc)


def chapter(title: str) -> str:
    """The text below a heading, up to the next."""
    return GUIDE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def block(text: str, language: str) -> str:
    """The one block of code in this language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return found


def changes(diff: str) -> list[tuple[str, str, str]]:
    """The hunks of a diff as (file, old text, new text)."""
    found = []
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        file, *hunks = re.split(r"\n@@\n", part)
        for hunk in hunks:
            lines = hunk.removesuffix("\n").split("\n")
            old = "\n".join(line[1:] for line in lines if line[:1] != "+")
            new = "\n".join(line[1:] for line in lines if line[:1] != "-")
            found.append((file, old, new))
    return found


class Example:
    """One of the guide's changes in a copy of the whole checkout, where tests can be run as well."""

    def __init__(self, title: str, project: Project) -> None:
        self.text, self.project = chapter(title), project
        self.as_of = AS_OF  # of the plan that builds of a part of it go on with
        copy_checkout(project.directory)
        for file, old, new in changes(block(self.text, "diff")):
            project.edit(file, old, new)

    def effect(self) -> list[dict]:
        """What the chapter's query finds."""
        return self.project.query(block(self.text, "sql"))

    def failures_of_dbt(self, select: str, *options: str) -> set[str]:
        """The tests that fail when dbt builds these nodes; a model brings its unit tests."""
        arguments = ["build", "--select", *select.split(), *options]
        path = self.project.directory / "target" / "run_results.json"
        path.unlink(missing_ok=True)
        self.project.dbt(*arguments, code=None, env={"EROS_AS_OF": self.as_of.isoformat()})
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
        assert not [result for result in results if result["status"] == "error"]
        return {result["unique_id"] for result in results if result["status"] == "fail"}

    def failures_of_pytest(self, *arguments: str) -> set[str]:
        """The tests that fail, of some that must all have run."""
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "--tb", "short", "-p", "no:cacheprovider"]
        temporary = str(self.project.directory.with_name("pytest"))
        # A worker's variables would have it share its folders with this session.
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        result = subprocess.run(
            [*command, "--basetemp", temporary, *arguments],
            cwd=self.project.directory, env={**clean, "PYTHONPATH": str(self.project.directory)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.returncode in (0, 1), result.stdout + result.stderr
        assert " error" not in result.stdout.splitlines()[-1], result.stdout
        return set(re.findall(r"^FAILED (\S+)", result.stdout, re.MULTILINE))

    def promises(self, test: str, failures: set[str]) -> None:
        """The chapter names this test, and it is among those that failed."""
        assert f"| `{test}` |" in self.text
        assert any(test in failure for failure in failures), f"{test} is not among {failures}"


@pytest.mark.parametrize(
    "diff",
    ["A new holiday", "A new account size", "A new term of the score"],
)
def test_every_change_fits_the_files_as_they_are(diff: str) -> None:
    texts: dict[str, str] = {}
    found = changes(block(chapter(diff), "diff"))
    assert found
    for file, old, new in found:
        text = texts.setdefault(file, (ROOT / file).read_text(encoding="utf-8"))
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        texts[file] = text.replace(old, new)


def test_every_command_and_path_of_the_guide_is_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    ours = set(re.findall(r"(?:`|^)make ([a-z-]+)", GUIDE, re.MULTILINE)) - {"lint", "docs", "ci"}
    assert ours <= targets
    for path in re.findall(r"`((?:models|macros|tests|seeds)/[\w./-]*|[\w]+\.(?:yml|md|py))`", GUIDE):
        places = [ROOT / path, ROOT / "tests/python" / path, ROOT / "tests/mutations" / path]
        assert any(place.exists() for place in places), path


@pytest.mark.slow
def test_a_new_holiday(project: Project) -> None:
    example = Example("A new holiday", project)
    tests = ("tests/python/test_holiday_calendar.py", "tests/python/test_oracle.py", "-k", "holiday")
    assert example.failures_of_pytest(*tests) == set()
    project.make_sample(end=GROUNDHOG_DAY)
    for schedule in ("performance", "daily"):
        project.run(schedule, as_of=GROUNDHOG_DAY)
    assert len(example.effect()) == 6

    row = "2028-02-02,Groundhog Day,CULTURAL,false,0.9\n"
    project.edit("seeds/holiday_calendar.csv", row, "")
    example.promises("test_every_year_has_the_twenty_days_once", example.failures_of_pytest(*tests))
    after = "2028-01-17,MLK Day,FEDERAL,false,1.0\n"
    project.edit("seeds/holiday_calendar.csv", after, after + row.replace("02-02", "02-03"))
    example.promises("test_dates_agree_with_the_holidays_package", example.failures_of_pytest(*tests))
    project.edit(
        "seeds/holiday_calendar.csv", "2028-02-03,Groundhog Day,CULTURAL,false,0.9", row[:-4] + "0.95"
    )
    failures = example.failures_of_dbt("holiday_calendar")
    example.promises("accepted_values_holiday_calendar_saturation_impact_factor", failures)


@pytest.mark.slow
def test_a_new_account_size(project: Project) -> None:
    example = Example("A new account size", project)
    project.make_sample()
    project.run("performance")
    project.run("daily")
    assert len(example.effect()) == 1
    assert example.failures_of_dbt("volume_policy creator_daily_volume") == set()
    oracle = ("tests/python/test_oracle.py", "tests/python/test_rules_against_oracle.py")
    assert example.failures_of_pytest(*oracle, "-k", "sizes or pooled-1") == set()

    names = "[MICRO, SMALL, MEDIUM, LARGE, MEGA, GIGA]"
    project.edit("seeds/volume_policy.yml", names, "[MICRO, SMALL, MEDIUM, LARGE, MEGA]")
    failures = example.failures_of_dbt("volume_policy")
    example.promises("accepted_values_volume_policy_account_size", failures)
    project.edit("seeds/volume_policy.yml", "[MICRO, SMALL, MEDIUM, LARGE, MEGA]", names)
    project.edit("seeds/volume_policy.csv", "GIGA,80000", "GIGA,80001")
    # What dbt has parsed of a unit test holds the rows of its seeds, so it has to parse anew.
    failures = example.failures_of_dbt("volume_policy creator_daily_volume", "--no-partial-parse")
    example.promises("test_creator_daily_volume__audience_classes", failures)
    project.edit("seeds/volume_policy.csv", "GIGA,80001", "GIGA,50000")
    example.promises("unique_volume_policy_min_audience", example.failures_of_dbt("volume_policy"))


@pytest.mark.slow
def test_a_new_term_of_the_score(built: Project) -> None:
    """On a project that has published without the term: what stands there has none, what comes has one."""
    example = Example("A new term of the score", built)
    example.as_of = tomorrow = AS_OF.replace(day=16)
    built.run("performance", as_of=tomorrow)
    built.run("daily", as_of=tomorrow)
    assert example.effect()
    known = built.query(
        "select distinct schedule_date, wear is not null as it_is from schedule_recommendations"
    )
    assert {row["schedule_date"].day: row["it_is"] for row in known} == {15: False, 16: True}
    assert example.failures_of_dbt("caption_scores selected_captions schedule_scores_add_up") == set()
    files = [
        f"tests/python/test_{name}.py" for name in ("rules_against_oracle", "oracle", "cli", "mutations")
    ]
    tests = (*files, "-k", "pooled-1 or total_score or explain_shows or explain_gives or still_fits")
    assert example.failures_of_pytest(*tests) == set()

    score = "models/scheduling/caption_scores.sql"
    built.edit(score, "outcome_count >= 6 then -1e0", "outcome_count > 6 then -1e0")
    failures = example.failures_of_dbt("caption_scores")
    example.promises("test_caption_scores__worn_from_six_outcomes", failures)
    built.edit(score, "outcome_count > 6 then -1e0", "outcome_count >= 6 then -1e0")
    built.edit("tests/dbt/singular/schedule_scores_add_up.sql", "0.10e0 * coalesce(wear, 0e0)", "0e0")
    built.execute("update schedule_recommendations set wear = -1, score = score - 0.1 * segment_multiplier")
    example.promises("schedule_scores_add_up", example.failures_of_dbt("schedule_scores_add_up"))
    built.edit("tests/python/oracle.py", '-1.0 if parts["outcome_count"] >= 6 else 0.0', "0.0")
    failures = example.failures_of_pytest("tests/python/test_rules_against_oracle.py", "-k", "pooled-1")
    example.promises("test_models_agree_with_the_oracle", failures)
