"""What says whose the project is, under which licence, and what changed: it agrees with what is there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import PurePosixPath

import pytest
import yaml

from tests.python.harness import ROOT, Project

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def owners_of(path: str) -> list[str]:
    """Who reviews a file: the last line of CODEOWNERS that fits; a folder or a file from the root, or `*`."""
    found: list[str] = []
    for line in (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8").splitlines():
        pattern, *owners = line.partition("#")[0].split() or [""]
        if not pattern:
            continue
        if pattern != "*":
            assert pattern.startswith("/"), pattern
            assert (ROOT / pattern[1:]).exists(), pattern
        fits = (
            pattern == "*" or f"/{path}" == pattern or (pattern[-1] == "/" and f"/{path}".startswith(pattern))
        )
        found = owners if fits else found
    return found


def test_reviewers_are_the_owners_of_the_groups(project: Project) -> None:
    manifest = json.loads((project.directory / "target/manifest.json").read_text(encoding="utf-8"))
    emails = {group["name"]: group["owner"]["email"] for group in manifest["groups"].values()}
    owned = [node for node in manifest["nodes"].values() if node["resource_type"] in ("model", "seed")]
    assert len(owned) > 60
    wrong = {
        node["name"]: owners_of(node["original_file_path"])
        for node in owned
        if owners_of(node["original_file_path"]) != [emails[node["config"]["group"]]]
    }
    assert wrong == {}
    assert owners_of("macros/hooks/job_run.sql") == owners_of("Makefile") == [emails["platform"]]
    text = (ROOT / ".github/CODEOWNERS").read_text(encoding="utf-8")
    assert set(re.findall(r"[\w.]+@[\w.]+", text)) == set(emails.values())


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


def test_newer_versions_are_proposed_for_all_that_is_pinned() -> None:
    pytest.importorskip("check_jsonschema")
    path = ROOT / ".github/dependabot.yml"
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.dependabot", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    updates = yaml.safe_load(path.read_text(encoding="utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "github-actions"}
