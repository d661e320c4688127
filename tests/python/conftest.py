"""Fixtures for every test in this folder; see harness.py for what they give."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.python.harness import Commands, Project, built_project, parsed_project

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the forkserver must stay without threads


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all test processes of this session share; EROS_TEST_SHARED names one made before."""
    if os.environ.get("EROS_TEST_SHARED"):
        return Path(os.environ["EROS_TEST_SHARED"])
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """Runs `eros` and `dbt` in fresh processes."""
    return Commands(tmp_path_factory.mktemp("commands"))


@pytest.fixture
def project(tmp_path: Path, shared: Path, commands: Commands) -> Project:
    """A project of the test's own: no inputs, no database, but parsed."""
    parsed = Project(parsed_project(shared, commands), commands)
    return parsed.clone(tmp_path / "project")


@pytest.fixture
def built(tmp_path: Path, shared: Path, commands: Commands) -> Project:
    """A project of the test's own over sample data, on which performance and daily ran at AS_OF."""
    template = Project(built_project(shared, commands), commands)
    return template.clone(tmp_path / "built")


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory, shared: Path, commands: Commands):
    """A project on both engines; tests that ask for it belong to the xdist group `bigquery`."""
    from tests.python.emulator import running
    from tests.python.twins import Twins

    folder = tmp_path_factory.mktemp("bigquery")
    project = Project(parsed_project(shared, commands), commands).clone(folder / "project")
    (folder / "home").mkdir()
    with running(folder / "home") as emulator:
        yield Twins(project, emulator)


def pytest_terminal_summary(terminalreporter) -> None:
    """One line that says what was checked against what; tests record it as the property `checked`."""
    reports = [r for r in terminalreporter.stats.get("passed", []) if r.when == "call"]
    checked = [text for r in reports for name, text in r.user_properties if name == "checked"]
    if checked:
        terminalreporter.write_line(f"DuckDB against BigQuery: {'; '.join(checked)}")
