"""The only module that imports dbt, and only inside its functions: the import takes seconds.

`dbtRunner` runs one invocation at a time and leaves much behind in its process, so `eros` makes one
process per run. What an invocation did is told by what it returned, never by files in target/: after
a parse error or a lock conflict run_results.json still holds the previous run.
"""

import contextlib
import gc
import json
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eros_dbt_runner.errors import one_sentence
from eros_dbt_runner.warehouse.lock import is_lock_error

if TYPE_CHECKING:
    import duckdb
    from dbt.cli.main import dbtRunnerResult

# What is done over the connection of a run before it is closed, and what has to stay until it is.
LastWork = Callable[["duckdb.DuckDBPyConnection"], contextlib.AbstractContextManager[None]]

# The options of dbt that may come from the environment: they say where things are and how dbt talks. All
# others would change what a schedule does, and `eros` gives those that it wants itself.
KEPT_OPTIONS = (
    "TARGET", "TARGET_PATH", "PROFILES_DIR", "PARTIAL_PARSE", "SEND_ANONYMOUS_USAGE_STATS",
    "LOG_CACHE_EVENTS", "LOG_FILE_MAX_BYTES", "LOG_FORMAT", "LOG_FORMAT_FILE", "LOG_PATH",
    "PRINT", "PRINTER_WIDTH", "QUIET", "USE_COLORS", "USE_COLORS_FILE",
)  # fmt: skip


class Failure(Enum):
    """Why an invocation ended with an exception instead of results."""

    PROJECT = "the project or an input cannot be read"
    LOCKED = "another program has the database open"
    INTERRUPTED = "stopped by a signal"
    OTHER = "anything else"


@dataclass(frozen=True)
class NodeResult:
    """What became of one node: kind is dbt's resource type, `operation` for a hook."""

    name: str
    kind: str
    status: str
    message: str = ""
    seconds: float = 0.0
    failures: int | None = None


@dataclass(frozen=True)
class Invocation:
    """What one dbt invocation returned; `results` is None when it never got to run nodes."""

    invocation_id: str | None
    success: bool
    results: tuple[NodeResult, ...] | None
    failure: Failure | None = None
    error: str = ""


@dataclass(frozen=True)
class NodeEvent:
    """Progress of a running invocation. `total` is 0 until dbt has said how many nodes there are."""

    name: str
    kind: str
    status: str
    seconds: float
    done: int
    total: int


def invoke(
    arguments: list[str],
    on_begin: Callable[[str], None],
    on_event: Callable[[NodeEvent], None],
    results_files: Sequence[Path],
    last_work: LastWork | None = None,
) -> Invocation:
    """Run dbt in this process. Never raises: whatever goes wrong, a KeyboardInterrupt too, is told.

    `on_begin` hears the invocation's id before anything runs. `on_event` is called for the start and
    the end of each node, from dbt's threads. The results are left in each of `results_files`, for
    people and for `dbt retry`. Where the run left a connection to a DuckDB file, that is closed within
    the context of `last_work`.
    """
    listener = _Listener(on_begin, on_event)
    with contextlib.redirect_stdout(sys.stderr):
        try:
            outcome = _run(arguments, [listener])
        except KeyboardInterrupt:  # while dbt was being imported
            return Invocation(None, False, None, Failure.INTERRUPTED)
    _close_database(
        is_stopped=_is_interrupt(outcome.exception),
        last_work=last_work if outcome.success else None,
    )
    write = getattr(outcome.result, "write", None)
    if write:
        for file in results_files:
            try:
                write(str(file))
            except OSError:  # for people; the verdict needs none of them
                with contextlib.suppress(OSError):
                    file.unlink(missing_ok=True)
    results = getattr(outcome.result, "results", None)
    if outcome.exception is None:
        failure, error = None, ""
    else:
        failure = _failure(outcome.exception, nodes_began=listener.nodes_began)
        error = _said(outcome.exception)
    return Invocation(
        invocation_id=listener.invocation_id,
        success=outcome.success,
        results=None if results is None else tuple(map(_node_result, results)),
        failure=failure,
        error=error,
    )


def list_nodes(arguments: list[str]) -> tuple[list[dict[str, str]], str]:
    """The nodes (`name`, `resource_type`) that a `list` invocation selects, and an error or ''."""
    result, error = _ask(arguments)
    return [json.loads(line) for line in (result if isinstance(result, list) else [])], error


def compile_nodes(arguments: list[str]) -> tuple[list[tuple[str, str]], str]:
    """(name, SQL) of each model and test that a `compile` invocation renders, and an error or ''."""
    result, error = _ask(arguments)
    nodes = [found.node for found in getattr(result, "results", None) or []]
    return [(node.name, node.compiled_code) for node in nodes if getattr(node, "compiled_code", None)], error


def _ask(arguments: list[str]) -> tuple[Any, str]:
    """What an invocation returns that builds nothing, and an error or ''."""
    with contextlib.redirect_stdout(sys.stderr):
        outcome = _run(arguments, [])
    _close_database()
    if outcome.exception is not None:
        return None, one_sentence(str(outcome.exception))
    return outcome.result, ""


def _run(arguments: list[str], callbacks: list[Callable[[Any], None]]) -> "dbtRunnerResult":
    logging.raiseExceptions = False  # a log that cannot be written is no news for each of its lines
    gc.disable()  # this process ends with its run; looking for garbage would cost it a second
    from dbt.cli.main import dbtRunner

    _forget_options()
    return dbtRunner(callbacks=callbacks).invoke(arguments)


def _forget_options() -> None:
    """Take dbt's options out of this process's environment, in both spellings, but for KEPT_OPTIONS."""
    from dbt.cli.params import KNOWN_ENV_VARS

    for option in KNOWN_ENV_VARS:
        if option.name.removeprefix("DBT_ENGINE_") not in KEPT_OPTIONS:
            os.environ.pop(option.name, None)
            os.environ.pop(option.old_name or option.name, None)


def _close_database(*, is_stopped: bool = False, last_work: LastWork | None = None) -> None:
    """Let go of the DuckDB file, which `keep_open: true` holds until the process ends.

    The adapter only forgets its environment; an exception that is still at hand, as after a hook
    that failed, keeps that environment and with it the lock on the file. So it is closed first, but not
    after a query of a hook `is_stopped`: DuckDB never lets go of it then, and would wait for that for ever.
    """
    connections = sys.modules.get("dbt.adapters.duckdb.connections")
    if connections is None:
        return
    manager = connections.DuckDBConnectionManager
    if manager._ENV is not None and not is_stopped:
        with last_work(manager._ENV.conn.cursor()) if last_work else contextlib.nullcontext():
            manager._ENV.close()
    manager.close_all_connections()
    if is_stopped:  # the errors of stopped queries hold their cursors, in circles
        gc.collect()


def _said(error: BaseException) -> str:
    """The error in one sentence; where a hook stopped the run, its own words. The log has the macros, too."""
    text = re.sub(r"^\s*> (in macro|called by) .*$", "", str(error), flags=re.MULTILINE)
    return one_sentence(re.sub(r"^Compilation Error in operation \S+ \(.*\)\n", "", text))


def _is_interrupt(error: BaseException | None) -> bool:
    """Whether a KeyboardInterrupt is behind `error`."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _failure(error: BaseException, *, nodes_began: bool) -> Failure:
    from dbt_common.exceptions import CompilationError

    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return Failure.INTERRUPTED
    if is_lock_error(str(error)):
        return Failure.LOCKED
    # A hook that finds an input missing raises a CompilationError after the start.
    if not nodes_began or isinstance(error, CompilationError):
        return Failure.PROJECT
    return Failure.OTHER


def _node_result(result: Any) -> NodeResult:
    return NodeResult(
        name=result.node.name,
        kind=str(result.node.resource_type),
        status=str(result.status),
        message=one_sentence(result.message or ""),
        seconds=result.execution_time or 0.0,
        failures=result.failures,
    )


class _Listener:
    """Turns dbt's events into NodeEvents and remembers what only events tell."""

    def __init__(self, on_begin: Callable[[str], None], on_event: Callable[[NodeEvent], None]) -> None:
        self._on_begin = on_begin
        self._on_event = on_event
        self._done = 0
        self._total = 0
        self.invocation_id: str | None = None
        self.nodes_began = False

    def __call__(self, message: Any) -> None:
        name = message.info.name
        if self.invocation_id is None:
            self.invocation_id = message.info.invocation_id
            self._on_begin(self.invocation_id)
        if name == "ConcurrencyLine":
            self.nodes_began = True
            self._total = message.data.node_count
        elif name == "NodeStart":
            self._tell(message.data.node_info, "started", 0.0)
        elif name == "NodeFinished":
            self._done += 1
            result = message.data.run_result
            self._tell(message.data.node_info, result.status, result.execution_time)
        elif name == "LogHookEndLine":
            self._tell(message.data.node_info, message.data.status, message.data.execution_time)

    def _tell(self, node: Any, status: str, seconds: float) -> None:
        self._on_event(
            NodeEvent(node.node_name, node.resource_type, status, seconds, self._done, self._total)
        )
