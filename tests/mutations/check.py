"""Breaks the rules one at a time, each on a copy of the project, and sees that a test notices.

    make mutations                                          all of them
    .venv/bin/python -m tests.mutations.check WORD...       those that have one of these words

For each edit in edits.yml the models that it names are built over sample data, with their unit tests
and data tests; only if those stay green do the named pytest tests run. An edit is

    killed     a test failed: the rule is guarded
    survived   nothing failed: a test is missing
    invalid    the SQL did not run, or nothing was tested: the edit proves nothing; mend the edit

The command fails unless all are killed. Before anything is broken, everything that the edits name
must be green.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.mutations.edits import Build, Edit, read_edits
from tests.python.harness import AS_OF, Commands, Project, built_project, copy_checkout

KILLED, SURVIVED, INVALID = "killed", "survived", "invalid"
COLOURS = {KILLED: "green", SURVIVED: "red", INVALID: "magenta"}


@dataclass(frozen=True)
class Outcome:
    """What became of an edit: a status, the test that killed it or what was wrong, and the time."""

    edit: Edit
    status: str
    by: str
    seconds: float


class Laboratory:
    """Copies of the project in `folder`, to break: of the built dbt project, or of the whole checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._built = built_project(folder, Commands(folder))

    def try_edit(self, number: int, edit: Edit) -> Outcome:
        """Break one rule and look for the first test that fails."""
        began = time.monotonic()
        folder = self.folder / f"edit_{number}"
        folder.mkdir()
        try:
            status, by = self._first_failure(folder, edit)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return Outcome(edit, status, by, time.monotonic() - began)

    def _first_failure(self, folder: Path, edit: Edit) -> tuple[str, str]:
        status, by = self.build(folder / "build", edit.build, edit)
        if status == SURVIVED and edit.pytest:
            return self.pytest(folder / "checkout", edit.pytest, edit)
        return status, by

    def build(self, directory: Path, build: Build, edit: Edit | None = None) -> tuple[str, str]:
        """Build what `build` selects in a fresh copy, with its tests; without an edit, as it is."""
        commands = Commands(directory.parent)
        project = Project(self._built, commands).clone(directory)
        if edit:
            edit.apply(directory)
        if build.forget:
            project.execute(f"drop table {build.forget}")
        results = directory / "target" / "run_results.json"
        results.unlink(missing_ok=True)
        as_of = (AS_OF + timedelta(days=build.days_later)).isoformat()
        # What dbt has parsed of a unit test holds the rows of its seeds: a changed seed needs a new parse.
        parse = ["--no-partial-parse"] if edit and edit.file.endswith(".csv") else []
        result = project.dbt(*build.arguments, *parse, code=None, env={"EROS_AS_OF": as_of})
        if not results.exists():
            return INVALID, _last_line(result.stdout)
        return _judge_build(json.loads(results.read_text(encoding="utf-8"))["results"])

    def pytest(self, directory: Path, tests: Sequence[str], edit: Edit | None = None) -> tuple[str, str]:
        """Run named tests in a fresh copy of the checkout.

        What they start from, a project parsed and one built, is this laboratory's: the edit shows in
        what a test runs, not in the database that it finds.
        """
        copy_checkout(directory)
        shared = directory.with_name("shared")
        for name in ("parsed", "built"):
            shutil.copytree(self.folder / name, shared / name)
        for copy in (directory, shared / "parsed", shared / "built"):
            if edit:
                edit.apply(copy)
        command = [
            sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--tb", "line",
            "-p", "no:cacheprovider", "--basetemp", str(directory.with_name("pytest")), *tests,
        ]  # fmt: skip
        clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        # The copy goes before the checkout, which is installed.
        env = {**clean, "PYTHONPATH": str(directory), "EROS_TEST_SHARED": str(shared)}
        result = subprocess.run(command, cwd=directory, env=env, capture_output=True, text=True, check=False)
        if result.returncode == 0:
            return SURVIVED, ""
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", result.stdout, re.MULTILINE)
        if result.returncode == 1 and failed:
            return KILLED, failed[1].removeprefix("tests/python/")
        return INVALID, _last_line(result.stdout + result.stderr)

    def check_unbroken(self, edits: Iterable[Edit]) -> list[str]:
        """What of all that the edits name is not green as it is."""
        faults = []
        for number, build in enumerate(Build.merged(edit.build for edit in edits)):
            folder = self.folder / f"unbroken_{number}"
            folder.mkdir()
            status, by = self.build(folder / "build", build)
            if status != SURVIVED:
                faults.append(f"{status} without any edit: {by}")
        tests = sorted({test for edit in edits for test in edit.pytest})
        if tests:
            (self.folder / "unbroken_pytest").mkdir()
            status, by = self.pytest(self.folder / "unbroken_pytest" / "checkout", tests)
            if status != SURVIVED:
                faults.append(f"{status} without any edit: {by}")
        return faults


def _judge_build(results: list[dict]) -> tuple[str, str]:
    """One build's verdict: an error is no test's doing, so it proves nothing whatever else failed."""
    for result in results:
        if result["status"] in ("error", "runtime error") or (
            result["status"] == "fail" and not _is_test(result)
        ):
            return INVALID, f"{_name(result)}: {_last_line(result['message'] or '')}"
    for result in results:
        if result["status"] == "fail":
            return KILLED, _name(result)
    tested = any(_is_test(result) and result["status"] == "pass" for result in results)
    return (SURVIVED, "") if tested else (INVALID, "nothing was tested")


def _is_test(result: dict) -> bool:
    return result["unique_id"].startswith(("test.", "unit_test."))


def _name(result: dict) -> str:
    parts = result["unique_id"].split(".")
    return parts[3] if parts[0] == "unit_test" else parts[2]


def _last_line(text: str) -> str:
    lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no message"


def run(edits: Sequence[Edit], console: Console, jobs: int) -> bool:
    """Try the edits, show how each ended, and say whether all were killed."""
    with tempfile.TemporaryDirectory(prefix="eros_mutations_") as name:
        laboratory = Laboratory(Path(name))
        faults = laboratory.check_unbroken(edits)
        for fault in faults:
            console.print(fault, style="red", markup=False)
        if faults:
            return False
        with ThreadPoolExecutor(jobs) as pool:
            trials = pool.map(laboratory.try_edit, range(len(edits)), edits)
            outcomes = list(track(trials, "breaking", total=len(edits), console=console))
    console.print(report(outcomes))
    counts = {status: sum(o.status == status for o in outcomes) for status in COLOURS}
    console.print(", ".join(f"{count} {status}" for status, count in counts.items()))
    return counts[KILLED] == len(outcomes)


def report(outcomes: Sequence[Outcome]) -> Table:
    """A row per edit; those that need somebody's attention come last, where they are seen."""
    table = Table("edit", "file", "result", "by", "seconds")
    for outcome in sorted(outcomes, key=lambda outcome: outcome.status != KILLED):
        status = f"[{COLOURS[outcome.status]}]{outcome.status}[/]"
        table.add_row(
            outcome.edit.breaks, Path(outcome.edit.file).name, status, outcome.by, f"{outcome.seconds:.1f}"
        )
    return table


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "words", nargs="*", help="only edits that have one of these words in what they break or in their file"
    )
    parser.add_argument("--jobs", type=int, default=2, help="edits tried at the same time")
    arguments = parser.parse_args()
    words = arguments.words or [""]
    edits = [edit for edit in read_edits() if any(word in f"{edit.breaks} {edit.file}" for word in words)]
    if not edits:
        parser.error("no edit has any of these words")
    console = Console(width=None if sys.stdout.isatty() else 160)
    sys.exit(0 if run(edits, console, arguments.jobs) else 1)


if __name__ == "__main__":
    main()
