"""Conventions of this project that dbt-bouncer has no check for; dbt-bouncer.yml says where they hold."""

from pathlib import PurePosixPath
from typing import Any

from dbt_bouncer.check_framework.decorator import check, fail


@check
def check_model_incremental_has_strategy_and_key(model: Any) -> None:
    """An incremental model says how rows are replaced.

    Either it merges on a unique_key, or it replaces the newest dates of the column that it is partitioned
    by, and says in its meta how far these lie behind the run.
    """
    config = model.config
    if config.materialized != "incremental":
        return
    strategy = config.get("incremental_strategy")
    replaces_dates = config.get("partition_by") and "window_lag_days" in (config.get("meta") or {})
    if strategy == "merge":
        if not config.get("unique_key"):
            fail(f"`{model.name}` merges but has no `unique_key`.")
    elif strategy not in ("replace_window", "insert_overwrite"):
        fail(f"`{model.name}` is incremental and says no strategy that both engines have.")
    elif not replaces_dates:
        fail(f"`{model.name}` replaces dates but lacks `partition_by` or the meta `window_lag_days`.")


@check
def check_macro_arguments_have_types(macro: Any) -> None:
    """Every argument of a macro has a type in its _macros.yml; a materialization's are dbt's own."""
    if macro.name.startswith("materialization_"):
        return
    untyped = [argument.name for argument in macro.arguments or [] if not argument.type]
    if untyped:
        fail(f"Macro `{macro.name}` has arguments without a type: {', '.join(untyped)}.")


@check
def check_macro_is_described_beside_it(macro: Any) -> None:
    """A macro is described in the file _macros.yml of its own folder."""
    wanted = PurePosixPath(macro.original_file_path).parent / "_macros.yml"
    if (macro.patch_path or "").partition("://")[2] != str(wanted):
        fail(f"Macro `{macro.name}` is not described in {wanted}.")
