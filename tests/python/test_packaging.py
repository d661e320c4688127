"""What says whose the project is, under which licence, and what changed: it agrees with what is there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import yaml

from tests.python.harness import ROOT

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_licence_is_whole_and_the_metadata_says_so() -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.split()[:4] == ["Apache", "License", "Version", "2.0,"]
    for part in ("TERMS AND CONDITIONS", "9. Accepting Warranty", "END OF TERMS AND CONDITIONS", "APPENDIX"):
        assert part in text
    for line in ('license = "Apache-2.0"', 'license-files = ["LICENSE"]'):
        assert line in PYPROJECT
    platform = next(
        group["owner"]["email"]
        for group in yaml.safe_load((ROOT / "models/_groups.yml").read_text(encoding="utf-8"))["groups"]
        if group["name"] == "platform"
    )
    assert f'email = "{platform}"' in PYPROJECT.partition("dependencies")[0]
    for path in re.findall(r'"https://[^"]+/blob/main/([^"]+)"', PYPROJECT):
        assert (ROOT / PurePosixPath(path)).exists(), path


def test_the_version_is_one_that_the_changelog_tells() -> None:
    """The newest that was released; what comes after it stands above, with a larger number."""
    [version] = re.findall(r'^version = "(.+)"$', PYPROJECT, re.M)
    project = yaml.safe_load((ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    told = re.findall(r"^## (\d+\.\d+\.\d+), (not released yet|\d{4}-\d\d-\d\d)$", CHANGELOG, re.M)
    assert len(told) == CHANGELOG.count("\n## ") >= 2
    assert version == project["version"] == next(number for number, day in told if day != "not released yet")
    numbers = [tuple(map(int, number.split("."))) for number, _ in told]
    assert numbers == sorted(numbers, reverse=True)
