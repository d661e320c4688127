"""What the tests run things with: real commands in fresh processes, and projects of their own.

`Commands` runs the real `eros` (or `dbt`) command line. Importing dbt takes seconds, so each command
runs in a child that a forkserver, which has imported dbt once, forks: a fresh process per command,
with its own environment, folder and output files, that can be sent any signal at any moment.

`Project` is a copy of the dbt project with its own database, inputs, target/ and logs/, all in
their default places. It comes with the parse of the session's first copy, so that no test pays for a
full parse; a test may edit any file of it.

    def test_something(project):
        project.write_inputs(mass_messages=[{"message": "hello"}], caption_bank=[...])
        project.run("performance", as_of="2025-06-15T12:00:00Z")
        assert project.query("select count(*) as n from caption_bandit_stats") == [{"n": 1}]
"""

from __future__ import annotations

import atexit
import gzip
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
from filelock import FileLock

from tests.python.histories import write_csv, write_parquet

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = "eros_scheduling_brain"
AS_OF = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
PARTS_OF_A_PROJECT = (
    "dbt_project.yml", "profiles.yml", "selectors.yml", "schedules.yml",
    "models", "macros", "seeds", "analyses", "tests/dbt",
)  # fmt: skip
TIMEOUT_SECONDS = 240.0

Row = dict[str, Any]

# What a row of an input table holds where a test does not say; a callable gets the row's position.
DEFAULTS: dict[str, Row] = {
    "mass_messages": {
        "row_id": lambda position: position + 1, "page_name": "luna", "message": None,
        "sending_time": AS_OF - timedelta(days=2), "price": 9.99, "sent_count": 1000,
        "viewed_count": 500, "purchased_count": 10, "earnings": 99.9, "message_type": "ppv",
        "caption_id": None,
    },
    "caption_bank": {
        "caption_id": lambda position: position + 1,
        "caption_text": lambda position: f"caption number {position + 1}",
        "content_category": "travel", "price_tier": "budget", "has_urgency": False,
        "avg_revenue": 10.0, "overall_performance_score": 0.5, "usage_status": "available",
    },
    "captions": {
        "caption_id": lambda position: position + 1,
        "caption_text": lambda position: f"caption number {position + 1}",
        "price_tier": "budget", "content_category": "travel", "has_urgency": False,
    },
    "creator_caption_restrictions": {
        "page_name": "luna", "hard_patterns": [], "soft_patterns": [],
        "restricted_categories": [], "restricted_price_tiers": [], "applies_to_scope": "ALL",
        "min_ppv_pool": 0, "min_bump_pool": 0, "is_active": True,
        "updated_at": AS_OF - timedelta(days=100), "version": 1,
    },
}  # fmt: skip


# ---- commands ----


@dataclass(frozen=True)
class Result:
    """How a command ended; `code` is negative for one that a signal killed."""

    command: str
    code: int
    stdout: str
    stderr: str
    seconds: float

    @property
    def json(self) -> Any:
        """Stdout as one JSON document; fails if anything else stands there."""
        return json.loads(self.stdout)

    def __str__(self) -> str:
        return f"{self.command}: exit {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class Child:
    """A command that is running."""

    def __init__(self, process: Any, command: str, out: Path, err: Path) -> None:
        self._process, self._command, self._out, self._err = process, command, out, err
        self._began = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait(self, timeout: float = TIMEOUT_SECONDS) -> Result:
        """Wait for its end; a command that outlasts `timeout` seconds is killed and fails the test."""
        self._process.join(timeout)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
            raise AssertionError(f"still running after {timeout} s: {self._result()}")
        return self._result()

    def kill(self, number: int = signal.SIGKILL, after: float = 0.0) -> None:
        """Send it a signal, `after` so many seconds from now; one that has ended gets none."""
        self._process.join(after)
        if self._process.is_alive():
            os.kill(self.pid, number)

    def wait_for(self, text: str, timeout: float = 60.0, times: int = 1) -> None:
        """Wait until it has written `text` to stderr so many times, say the progress line of a model."""
        end = time.monotonic() + timeout
        while self.written().count(text) < times:
            if time.monotonic() > end or not self._process.is_alive():
                raise AssertionError(f"{text!r} never came {times} times: {self._result()}")
            time.sleep(0.002)

    def written(self) -> str:
        """What it has written to stderr so far."""
        return self._err.read_text(encoding="utf-8")

    def _result(self) -> Result:
        return Result(
            command=self._command,
            code=self._process.exitcode if self._process.exitcode is not None else 999,
            stdout=self._out.read_text(encoding="utf-8"),
            stderr=self._err.read_text(encoding="utf-8"),
            seconds=time.monotonic() - self._began,
        )


class Commands:
    """Starts commands in children of one forkserver. One per test process."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._count = 0
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            [
                "__main__", "dbt.cli.main", "dbt.adapters.duckdb", "filelock", "eros_dbt_runner.cli",
                "tests.python.harness", "tests.python.warm",
            ]
        )  # fmt: skip

    def start(self, program: str, arguments: Sequence[str], env: Mapping[str, str], cwd: Path) -> Child:
        """Start `eros` or `dbt` with exactly this environment in the folder `cwd`."""
        self._count += 1
        out, err = (self._scratch / f"{self._count}.{name}" for name in ("out", "err"))
        out.touch()
        err.touch()
        process = self._context.Process(
            target=_child, args=(program, list(arguments), dict(env), str(cwd), str(out), str(err))
        )
        process.start()
        return Child(process, " ".join([program, *arguments]), out, err)


def _child(program: str, arguments: list[str], env: dict[str, str], cwd: str, out: str, err: str) -> None:
    """The child's life: become the command."""
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    for number, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", buffering=1, closefd=False)
    sys.argv = [program, *arguments]
    try:
        if program == "dbt":
            from dbt.cli.main import cli

            cli(arguments)
        else:
            from eros_dbt_runner.cli import main

            main(arguments)
    finally:
        atexit._run_exitfuncs()  # a forked child would leave them out; dbt closes the database so


# ---- projects ----


@dataclass
class Project:
    """A dbt project in `directory`, run by `commands`. `env` is added to every command's environment."""

    directory: Path
    commands: Commands
    env: dict[str, str] = field(default_factory=dict)

    # -- where things are --

    @property
    def database(self) -> Path:
        return self.directory / "eros.duckdb"

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def log(self) -> str:
        """What dbt has logged so far, plain and through `eros`, the running run's log included."""
        texts = [file.read_text(encoding="utf-8") for file in self._logs("dbt.log")]
        texts += [gzip.decompress(file.read_bytes()).decode() for file in self._logs("dbt.log.gz")]
        return "".join(texts)

    def _logs(self, name: str) -> list[Path]:
        return [*self.directory.glob(f"logs/{name}"), *self.directory.glob(f"runs/*/{name}")]

    def forget_logs(self) -> None:
        """Delete what dbt has logged so far."""
        for file in (*self._logs("dbt.log"), *self._logs("dbt.log.gz")):
            file.unlink()

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace `old`, which must be there once, in a file of this project."""
        file = self.directory / path
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        file.write_text(text.replace(old, new), encoding="utf-8")

    # -- inputs --

    def write_inputs(
        self,
        tables: Mapping[str, Sequence[Row]] | None = None,
        *,
        file_format: str = "parquet",
        **more: Sequence[Row],
    ) -> None:
        """Write the four input tables anew, from rows that say only what matters.

        `tables` and keyword arguments are lists of rows by table name; a missing table is empty, a
        missing column gets its value in DEFAULTS. Types are those of production.
        """
        given = {**(tables or {}), **more}
        assert set(given) <= set(DEFAULTS), f"unknown input among {sorted(given)}"
        shutil.rmtree(self.data_dir, ignore_errors=True)
        self.data_dir.mkdir(parents=True)
        write = write_csv if file_format == "csv" else write_parquet
        write({name: complete(name, given.get(name, ())) for name in DEFAULTS}, self.data_dir)

    def make_sample(self, **options: Any) -> None:
        """Make sample data that ends just before AS_OF; options as of `sample_data.generate`."""
        from eros_dbt_runner.sample_data import generate

        small = {"pages": 6, "captions": 1500, "messages": 4000, "days": 60, "seed": 1, "end": AS_OF}
        generate(self.data_dir, **{**small, **options})

    # -- commands --

    def start(
        self,
        *arguments: str,
        program: str = "eros",
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Child:
        """Start a command in this project's folder, without waiting for its end."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("EROS_", "DBT_"))}
        own = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "EROS_PROJECT_DIR": str(self.directory)}
        whole = {**clean, **own, **self.env, **(env or {})}
        return self.commands.start(program, arguments, whole, cwd or self.directory)

    def eros(self, *arguments: str, code: int | None = 0, **options: Any) -> Result:
        """Run `eros` with these arguments; it must end with `code` (None: with any)."""
        return _ended(self.start(*arguments, **options).wait(), code)

    def dbt(self, *arguments: str, code: int | None = 0, **options: Any) -> Result:
        """Run plain `dbt`, as a person would."""
        return _ended(self.start(*arguments, program="dbt", **options).wait(), code)

    def run(
        self,
        schedule: str,
        *flags: str,
        as_of: datetime | str | None = AS_OF,
        code: int | None = 0,
        **options: Any,
    ) -> Result:
        """Run a schedule at `as_of` (None: now), with `--json`, so that `.json` tells what it did."""
        return self.eros(*run_arguments(schedule, as_of), *flags, "--json", code=code, **options)

    # -- the database --

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[Row]:
        """The rows that a query gives, as dicts; names without a schema are EROS's."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute(f"use {SCHEMA}")
            cursor = connection.execute(sql, parameters)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def table(self, name: str, *, without: Sequence[str] = ()) -> list[Row]:
        """All rows of a table in a fixed order, `without` some columns; for comparing two runs."""
        dropped = f" exclude ({', '.join(without)})" if without else ""
        return self.query(f"select *{dropped} from {name} order by all")

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Change the database by hand."""
        with duckdb.connect(str(self.database)) as connection:
            if connection.execute(
                "select 1 from duckdb_schemas() where schema_name = ?", [SCHEMA]
            ).fetchone():
                connection.execute(f"use {SCHEMA}")
            connection.execute(sql, parameters)

    def clone(self, directory: Path) -> Project:
        """A second project that starts where this one stands: files, inputs, database, parse."""
        shutil.copytree(self.directory, directory)
        return Project(directory, self.commands, dict(self.env))


def run_arguments(schedule: str, as_of: datetime | str | None = AS_OF) -> list[str]:
    """The arguments of `eros` that run a schedule at a moment."""
    if as_of is None:
        return ["run", schedule]
    return ["run", schedule, "--as-of", as_of if isinstance(as_of, str) else as_of.isoformat()]


def complete(table: str, rows: Sequence[Row]) -> list[Row]:
    """Rows of an input table with every column, see DEFAULTS; unknown columns fail."""
    defaults = DEFAULTS[table]
    result = []
    for position, row in enumerate(rows):
        assert set(row) <= set(defaults), f"unknown column of {table} in {row}"
        values = {name: value(position) if callable(value) else value for name, value in defaults.items()}
        result.append({**values, **row})
    return result


def _ended(result: Result, code: int | None) -> Result:
    assert code is None or result.code == code, str(result)
    return result


def copy_project(directory: Path) -> None:
    """Copy the checkout's dbt project, with its files' times, which dbt's partial parse looks at."""
    directory.mkdir(parents=True)
    for part in PARTS_OF_A_PROJECT:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, directory / part)
        elif source.exists():
            shutil.copy2(source, directory / part)


def copy_checkout(directory: Path) -> None:
    """Copy the whole checkout, so that tests can be run there; what stands there already is kept."""
    directory.mkdir(exist_ok=True)
    for part in (*PARTS_OF_A_PROJECT, "sample_data", "eros_dbt_runner", "tests", "docs", "pyproject.toml"):
        source, target = ROOT / part, directory / part
        if source.is_file():
            shutil.copy2(source, target)
            continue
        for file in source.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                copy = directory / file.relative_to(ROOT)
                copy.parent.mkdir(parents=True, exist_ok=True)
                if not copy.exists():
                    shutil.copy2(file, copy)


def parsed_project(shared: Path, commands: Commands) -> Path:
    """A project that dbt has parsed once, made by whichever test process comes first.

    It stays where it was parsed, because the parse remembers where seeds lie.
    """

    def make(directory: Path) -> None:
        copy_project(directory)
        Project(directory, commands).dbt("parse", "--log-level", "none")

    return _made_once(shared / "parsed", make)


def built_project(shared: Path, commands: Commands) -> Path:
    """A project over sample data on which performance and daily have run at AS_OF, made once."""

    def make(directory: Path) -> None:
        project = Project(parsed_project(shared, commands), commands).clone(directory)
        project.make_sample()
        project.run("performance")
        project.run("daily")

    return _made_once(shared / "built", make)


def _made_once(directory: Path, make: Callable[[Path], None]) -> Path:
    done = directory / ".done"
    with FileLock(directory.with_suffix(".lock")):
        if not done.exists():
            shutil.rmtree(directory, ignore_errors=True)
            make(directory)
            shutil.rmtree(directory / "logs", ignore_errors=True)
            shutil.rmtree(directory / "runs", ignore_errors=True)
            done.touch()
    return directory
