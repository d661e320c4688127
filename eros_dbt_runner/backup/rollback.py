"""`eros rollback`."""

from collections.abc import Iterable
from typing import Any

import click

from eros_dbt_runner.backup import audit, view
from eros_dbt_runner.backup.dependants import dependants
from eros_dbt_runner.backup.keeping import (
    REDEPLOY,
    keep_tables,
    refuse_while_others_run,
    store_of,
    told,
    yes_option,
)
from eros_dbt_runner.commands import Database, confirm, database_options, json_option, print_json
from eros_dbt_runner.declarations.owned_objects import history_tables, ours_among, owned_objects
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.texts import plain
from eros_dbt_runner.warehouse.base import Object, Warehouse


@click.command()
@click.argument("name", metavar="[OBJECT]", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything that EROS has deployed.")
@click.option("--dry-run", is_flag=True, help="Show what would be dropped, and drop nothing.")
@yes_option
@database_options
@json_option
def rollback(
    name: str | None, everything: bool, dry_run: bool, yes: bool, database: Database, as_json: bool
) -> None:
    """Drop one OBJECT that EROS has deployed, or --all of them, after a backup.

    Only what EROS owns: its tables, views, seeds and functions. Inputs and whatever else is in the
    database stay, and so does audit_log, which tells of the rollback.
    """
    if bool(name) == everything:
        raise UsageError("Name one object, or give --all.")
    project, store = database.project, store_of(database.project, database.target)
    owned = owned_objects(project.directory)
    owned.pop(audit.AUDIT_LOG)
    if name:
        name = name.strip().lower()
        if name == audit.AUDIT_LOG:
            raise UsageError(f"{name} tells what rollbacks and restores have taken away, and stays.")
        if name not in owned:
            raise UsageError(
                f"{name!r} is not an object that EROS makes, and stays; `eros rollback --all --dry-run`"
                " shows those that are there."
            )
        owned = {name: owned[name]}
    with database.read() as (tables, _zone):
        plan = _plan(tables, ours_among(tables.objects(), owned), history_tables(project.directory))
    if not as_json:
        view.show_rollback(plan)
    if dry_run or not plan["drops"]:
        if as_json:
            print_json({**plan, "dry_run": dry_run, "backup": None})
        return
    schema = database.target.settings()["schema"]
    confirm("All this is dropped, after a backup.", name or schema, yes)
    with database.write("rollback") as (tables, _zone):
        refuse_while_others_run(tables)
        before = keep_tables(store, tables, project, None, "rollback")
        shown = {(drop["name"], drop["kind"]) for drop in plan["drops"]}
        going = sorted(shown & tables.objects())
        names = [found for found, _ in going]
        rows = audit.rows_of(before.rows if before else {}, names)
        audit.note(tables, project.directory, "rollback", ", ".join(names), rows)
        tables.drop(going)
    if as_json:
        print_json({**plan, "dry_run": False, "backup": before.id if before else None})
        return
    if before:
        click.echo(f"{told(before)}; `eros restore {before.id}` brings the rows back")
    what = name or f"{len(shown)} objects"
    click.echo(f"dropped {what}; {REDEPLOY} make it anew")


def _plan(tables: Warehouse, ours: Iterable[Object], history: set[str]) -> dict[str, Any]:
    """What a rollback drops, with rows, and what reads it and stays."""
    objects = sorted(ours)
    rows = tables.row_counts(name for name, kind in objects if kind == "table")
    plan: dict[str, Any] = plain(
        {
            "drops": [
                {"name": name, "kind": kind, "rows": rows.get(name), "only_copy": name in history}
                for name, kind in objects
            ],
            "broken": dependants(tables.definitions(), set(objects)),
        }
    )
    return plan
