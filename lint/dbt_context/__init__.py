"""What dbt puts within reach of a template, as far as this project uses it, for sqlfluff's Jinja templater.

The project's own macros are rendered, for DuckDB, but dbt is not imported and no database is opened: a
changed model is linted in a second or two. What only dbt could know has a fixed value here.
"""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytz
import yaml
from jinja2 import pass_context
from jinja2.runtime import Context, Macro
from sqlfluff.core.templaters.builtins.dbt import MacroReturn

PROJECT: dict[str, Any] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "dbt_project.yml").read_text(encoding="utf-8")
)


def _let_return_end_its_own_macro_only(invoke: Callable[..., Any]) -> Callable[..., Any]:
    """Around Jinja's call of a macro: sqlfluff lets `return` end the callers in the same file too."""

    def invoked(macro: Macro, *arguments: Any) -> Any:
        try:
            return invoke(macro, *arguments)
        except MacroReturn as returned:
            return returned.value

    return invoked


Macro._invoke = _let_return_end_its_own_macro_only(Macro._invoke)


@pass_context
def _dispatch(context: Context, name: str, _package: str) -> Callable[..., Any]:
    """DuckDB's version of a macro, else the default one."""
    return context.get(f"duckdb__{name}") or context[f"default__{name}"]


def _macro(name: str) -> Callable[..., Any]:
    """A macro of the project, by its whole name."""

    @pass_context
    def call(context: Context, *arguments: Any) -> Any:
        return context[name](*arguments)

    return call


def var(name: str, default: Any = None) -> Any:
    """The value in dbt_project.yml."""
    return PROJECT["vars"].get(name, default)


def env_var(_name: str, default: str = "") -> str:
    """The default: what is linted does not depend on a machine."""
    return default


def is_incremental() -> bool:
    """The branch of a first build, which CI takes too; the other is linted as lint/bigquery.cfg says."""
    return False


adapter = SimpleNamespace(dispatch=_dispatch)
api = SimpleNamespace(Relation=SimpleNamespace(create=lambda *parts, **_: ".".join(parts)))
# dbt's own macros that this project calls.
dbt = SimpleNamespace(
    date_trunc=lambda part, moment: f"date_trunc('{part}', {moment})",
    datediff=lambda first, second, part: f"date_diff('{part}', {first}, {second})",
)
# The project's own namespace, for what one of its macros asks of another version of itself.
eros = SimpleNamespace(default__pattern_matches=_macro("default__pattern_matches"))
execute = False
flags = SimpleNamespace(WHICH="compile", FULL_REFRESH=False)
invocation_id = "00000000-0000-0000-0000-000000000000"
modules = SimpleNamespace(datetime=datetime, pytz=pytz, re=re)
run_started_at = datetime.datetime(2025, 6, 15, 12, tzinfo=datetime.timezone.utc)
target = SimpleNamespace(name="duckdb", type="duckdb", database="eros", schema="eros_scheduling_brain")
