"""`eros backup`, `eros restore` and `eros rollback`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from eros_dbt_runner.commands.common import (
    confirm,
    json_option,
    locked_warehouse,
    open_warehouse,
    plain_values,
    print_json,
    target_option,
    tell_holder,
    wait_option,
)
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode

if TYPE_CHECKING:
    from eros_dbt_runner.backups import Backup, FileStore, Store
    from eros_dbt_runner.project import Project
    from eros_dbt_runner.warehouse import Object, Warehouse

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")
REDEPLOY = "`eros run performance`, then `eros run daily`"


@click.group("backup", invoke_without_command=True)
@click.option("--name", metavar="TEXT", help="A word to know it by: letters a-z, digits, - and _.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Then delete all but the newest N.")
@target_option
@wait_option
@json_option
@click.pass_context
def backup(
    context: click.Context,
    name: str | None,
    keep: int | None,
    target: str | None,
    wait: float,
    as_json: bool,
) -> ExitCode | None:
    """Keep a copy of every table that EROS owns; `eros backup list` shows what there is.

    On DuckDB a copy of the file, in the folder EROS_BACKUP_DIR (backups); on BigQuery snapshots in the
    dataset, which expire after EROS_BIGQUERY_BACKUP_DAYS (90) days.
    """
    from eros_dbt_runner import backups

    if context.invoked_subcommand:
        return None
    if name is not None and not backups.NAME.fullmatch(name):
        raise ErosError(
            f"--name takes letters a-z, digits, - and _, at most 60, not {name!r}.", ExitCode.USAGE
        )
    project, store = _project_and_store(target)
    with locked_warehouse("backup", wait, target) as (tables, _zone):
        made = _keep(store, tables, project, name, "backup")
        if made is None:
            raise ErosError(
                f"There is nothing to back up yet; {REDEPLOY} make the tables.", ExitCode.CANNOT_START
            )
        deleted = store.prune(keep) if keep else []
    if as_json:
        print_json({**made.as_json(), "deleted": [old.id for old in deleted]})
    else:
        click.echo(_told(made))
        for old in deleted:
            click.echo(f"deleted {old.id}")
    return ExitCode.OK


@backup.command("list")
@target_option
@json_option
def list_backups(target: str | None, as_json: bool) -> ExitCode:
    """List the backups, the newest first."""
    from eros_dbt_runner import render
    from eros_dbt_runner.schedules import read_schedules

    project, store = _project_and_store(target)
    found = store.backups()
    if as_json:
        print_json([made.as_json() for made in found])
    elif found:
        zone = next(iter(read_schedules(project.directory / "schedules.yml").values())).timezone
        render.show_backups(found, zone)
    else:
        click.echo("There is no backup yet; `eros backup` makes one.")
    return ExitCode.OK


@click.command()
@click.argument("backup_id", metavar="ID")
@click.option("--table", metavar="NAME", help="Only this table.")
@yes_option
@target_option
@wait_option
@json_option
def restore(
    backup_id: str, table: str | None, yes: bool, target: str | None, wait: float, as_json: bool
) -> ExitCode:
    """Make the tables what they were when backup ID was made; what they are now is backed up first.

    A table that EROS owns and the backup does not have is dropped, unless --table names one. Views and
    functions are made by the next run. On DuckDB a file that is lost or torn comes back whole.
    """
    from eros_dbt_runner.backups import FileStore
    from eros_dbt_runner.owned_objects import RELATIONS, ours_among, owned_objects
    from eros_dbt_runner.writing import is_lost

    project, store = _project_and_store(target)
    owned = owned_objects(project.directory)
    chosen = store.find(backup_id)
    names = [name for name in chosen.rows if owned.get(name) in RELATIONS]
    if table is not None:
        names = [name for name in names if name == table.strip().lower()]
        if not names:
            raise ErosError(
                f"Backup {chosen.id} has no table {table!r} of EROS; --json of `eros backup list` tells its"
                " tables.",
                ExitCode.USAGE,
            )
    rows = sum(chosen.rows[name] for name in names)
    what = f"{names[0]} with" if table else f"{len(names)} tables with"
    confirm(f"Backup {chosen.id} brings back {what} {rows:,} rows.", chosen.id, yes)
    if isinstance(store, FileStore) and is_lost(project.database):
        return _put_back(project, store, chosen, table, wait, target, as_json)
    with locked_warehouse("restore", wait, target) as (tables, _zone):
        _refuse_while_others_run(tables)
        ours = ours_among(tables.objects(), owned)
        gone = {found for found in ours if not table and found[1] == "table" and found[0] not in names}
        before = _keep(store, tables, project, None, "restore")
        store.restore(tables, chosen, names, gone)
    _tell_restored(chosen, names, sorted(name for name, _ in gone), before, as_json)
    return ExitCode.OK


def _put_back(
    project: "Project",
    store: "FileStore",
    chosen: "Backup",
    table: str | None,
    wait: float,
    target: str | None,
    as_json: bool,
) -> ExitCode:
    """Restore a file that is not there any more, or that is torn."""
    from eros_dbt_runner.lock import Deadline, hold
    from eros_dbt_runner.writing import is_lost

    if table:
        raise ErosError(
            f"There is no whole database at {project.database}; leave --table out, and all of it comes back.",
            ExitCode.CANNOT_START,
        )
    lock_file = project.lock_file(project.find_target(target))
    with hold(lock_file, "restore", Deadline(wait), tell_holder):
        if not is_lost(project.database):
            raise ErosError("A run has made the database meanwhile; restore again.", ExitCode.BUSY)
        store.put_back(chosen, project.database)
    _tell_restored(chosen, list(chosen.rows), [], None, as_json)
    return ExitCode.OK


def _tell_restored(
    chosen: "Backup", names: list[str], dropped: list[str], before: "Backup | None", as_json: bool
) -> None:
    rows = {name: chosen.rows[name] for name in names}
    if as_json:
        kept = before.id if before else None
        print_json({"restored": chosen.id, "rows_by_table": rows, "dropped": dropped, "backup": kept})
        return
    if before:
        click.echo(_told(before))
    click.echo(f"restored {chosen.id}: {len(rows)} tables, {sum(rows.values()):,} rows")
    if dropped:
        click.echo(f"dropped, because the backup has none: {', '.join(dropped)}")
    click.echo(f"Views and functions are made anew by the next runs: {REDEPLOY}.")


@click.command()
@click.argument("name", metavar="[OBJECT]", required=False)
@click.option("--all", "everything", is_flag=True, help="Everything that EROS has deployed.")
@click.option("--dry-run", is_flag=True, help="Show what would be dropped, and drop nothing.")
@yes_option
@target_option
@wait_option
@json_option
def rollback(
    name: str | None,
    everything: bool,
    dry_run: bool,
    yes: bool,
    target: str | None,
    wait: float,
    as_json: bool,
) -> ExitCode:
    """Drop one OBJECT that EROS has deployed, or --all of them, after a backup.

    Only what EROS owns: its tables, views, seeds and functions. Inputs and whatever else is in the
    database stay.
    """
    from eros_dbt_runner import render
    from eros_dbt_runner.owned_objects import history_tables, ours_among, owned_objects

    if bool(name) == everything:
        raise ErosError("Name one object, or give --all.", ExitCode.USAGE)
    project, store = _project_and_store(target)
    owned = owned_objects(project.directory)
    if name:
        name = name.strip().lower()
        if name not in owned:
            raise ErosError(
                f"{name!r} is not an object that EROS makes, and stays; `eros rollback --all --dry-run`"
                " shows those that are there.",
                ExitCode.USAGE,
            )
        owned = {name: owned[name]}
    with open_warehouse(wait, target) as (tables, _zone):
        plan = _plan(tables, ours_among(tables.objects(), owned), history_tables(project.directory))
    if not as_json:
        render.show_rollback(plan)
    if dry_run or not plan["drops"]:
        if as_json:
            print_json({**plan, "dry_run": dry_run, "backup": None})
        return ExitCode.OK
    schema = project.find_target(target).settings()["schema"]
    confirm("All this is dropped, after a backup.", name or schema, yes)
    with locked_warehouse("rollback", wait, target) as (tables, _zone):
        _refuse_while_others_run(tables)
        before = _keep(store, tables, project, None, "rollback")
        shown = {(drop["name"], drop["kind"]) for drop in plan["drops"]}
        tables.drop(sorted(shown & tables.objects()))
    if as_json:
        print_json({**plan, "dry_run": False, "backup": before.id if before else None})
        return ExitCode.OK
    if before:
        click.echo(f"{_told(before)}; `eros restore {before.id}` brings the rows back")
    what = name or f"{len(shown)} objects"
    click.echo(f"dropped {what}; {REDEPLOY} make it anew")
    return ExitCode.OK


def _plan(tables: "Warehouse", ours: Iterable["Object"], history: set[str]) -> dict[str, Any]:
    """What a rollback drops, with rows, and what reads it and stays."""
    from eros_dbt_runner.dependants import dependants

    objects = sorted(ours)
    rows = tables.row_counts(name for name, kind in objects if kind == "table")
    plan: dict[str, Any] = plain_values(
        {
            "drops": [
                {"name": name, "kind": kind, "rows": rows.get(name), "only_copy": name in history}
                for name, kind in objects
            ],
            "broken": dependants(tables.definitions(), set(objects)),
        }
    )
    return plan


def _project_and_store(target: str | None) -> tuple["Project", "Store"]:
    from eros_dbt_runner.backups import store_of
    from eros_dbt_runner.project import Project

    project = Project.locate()
    return project, store_of(project, project.find_target(target))


def _keep(
    store: "Store", tables: "Warehouse", project: "Project", name: str | None, made_by: str
) -> "Backup | None":
    """Back up the tables of ours; None when there are none."""
    from eros_dbt_runner.owned_objects import ours_among, owned_objects

    ours = ours_among(tables.objects(), owned_objects(project.directory))
    names = sorted(found for found, kind in ours if kind == "table")
    return store.create(tables, names, name, made_by) if names else None


def _refuse_while_others_run(tables: "Warehouse") -> None:
    """The lock holds back the runs of this machine; others are known by their rows."""
    for run in tables.runs_elsewhere():
        raise ErosError(
            f"A run of {run['job_name']} ({run['job_id'][:8]}) is in progress elsewhere; wait for its end.",
            ExitCode.BUSY,
        )


def _told(made: "Backup") -> str:
    size = f", {made.bytes / 2**20:,.1f} MiB" if made.bytes is not None else ""
    return f"backup {made.id}: {len(made.rows)} tables, {sum(made.rows.values()):,} rows{size}"
