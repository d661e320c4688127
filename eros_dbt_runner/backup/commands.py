"""`eros backup` and `eros restore`."""

from collections.abc import Iterable

import click

from eros_dbt_runner.backup import audit, view
from eros_dbt_runner.backup.files import FileStore
from eros_dbt_runner.backup.keeping import (
    REDEPLOY,
    keep_tables,
    refuse_while_others_run,
    store_of,
    told,
    yes_option,
)
from eros_dbt_runner.backup.stores import NAME, Backup
from eros_dbt_runner.commands import (
    Database,
    confirm,
    database_options,
    json_option,
    print_json,
    target_option,
    tell_holder,
)
from eros_dbt_runner.declarations.owned_objects import RELATIONS, ours_among, owned_objects
from eros_dbt_runner.errors import BusyError, CannotStartError, UsageError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.project import Project
from eros_dbt_runner.schedules import zone_of
from eros_dbt_runner.warehouse.base import Object
from eros_dbt_runner.warehouse.lock import Deadline, hold
from eros_dbt_runner.warehouse.whole_file import is_lost


@click.group("backup", invoke_without_command=True)
@click.option("--name", metavar="TEXT", help="A word to know it by: letters a-z, digits, - and _.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Then delete all but the newest N.")
@database_options
@json_option
@click.pass_context
def backup(
    context: click.Context, name: str | None, keep: int | None, database: Database, as_json: bool
) -> None:
    """Keep a copy of every table that EROS owns; `eros backup list` shows what there is.

    On DuckDB a copy of the file, in the folder EROS_BACKUP_DIR (backups); on BigQuery snapshots in the
    dataset, which expire after EROS_BIGQUERY_BACKUP_DAYS (90) days.
    """
    if context.invoked_subcommand:
        return
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(f"--name takes letters a-z, digits, - and _, at most 60, not {name!r}.")
    store = store_of(database.project, database.target)
    with database.write("backup") as (tables, _zone):
        made = keep_tables(store, tables, database.project, name, "backup")
        if made is None:
            raise CannotStartError(f"There is nothing to back up yet; {REDEPLOY} make the tables.")
        deleted = store.prune(keep) if keep else []
    if as_json:
        print_json({**made.as_json(), "deleted": [old.id for old in deleted]})
    else:
        click.echo(told(made))
        for old in deleted:
            click.echo(f"deleted {old.id}")


@backup.command("list")
@target_option
@json_option
def list_backups(target: str | None, as_json: bool) -> None:
    """List the backups, the newest first."""
    project = Project.locate()
    found = store_of(project, project.find_target(target)).backups()
    if as_json:
        print_json([made.as_json() for made in found])
    elif found:
        view.show_backups(found, zone_of(project.directory))
    else:
        click.echo("There is no backup yet; `eros backup` makes one.")


@click.command()
@click.argument("backup_id", metavar="ID")
@click.option("--table", metavar="NAME", help="Only this table.")
@yes_option
@database_options
@json_option
def restore(backup_id: str, table: str | None, yes: bool, database: Database, as_json: bool) -> ExitCode:
    """Make the tables what they were when backup ID was made; what they are now is backed up first.

    A table that EROS owns and the backup does not have is dropped, unless --table names one; audit_log,
    which tells of the restore, stays as it is. Views and functions are made by the next run. On DuckDB a
    file that is lost or torn comes back whole.
    """
    project, store = database.project, store_of(database.project, database.target)
    owned = owned_objects(project.directory)
    chosen = store.find(backup_id)
    owned.pop(audit.AUDIT_LOG)
    names = [name for name in chosen.rows if owned.get(name) in RELATIONS]
    if table is not None:
        names = [name for name in names if name == table.strip().lower()]
        if not names:
            raise UsageError(
                f"Backup {chosen.id} has no table {table!r} of EROS; --json of `eros backup list` tells its"
                " tables."
            )
    rows = sum(chosen.rows[name] for name in names)
    what = f"{names[0]} with" if table else f"{len(names)} tables with"
    confirm(f"Backup {chosen.id} brings back {what} {rows:,} rows.", chosen.id, yes)
    if isinstance(store, FileStore) and is_lost(project.database):
        return _put_back(database, store, chosen, table, as_json)
    with database.write("restore") as (tables, _zone):
        refuse_while_others_run(tables)
        ours = ours_among(tables.objects(), owned)
        gone = {found for found in ours if not table and found[1] == "table" and found[0] not in names}
        before = keep_tables(store, tables, project, None, "restore")
        going = audit.rows_of(before.rows if before else {}, [*names, *(name for name, _ in gone)])
        audit.note(tables, project.directory, "restore", _what(chosen, names, gone), going)
        store.restore(tables, chosen, names, gone)
    _tell_restored(chosen, names, sorted(name for name, _ in gone), before, as_json)
    return ExitCode.OK


def _put_back(
    database: Database, store: FileStore, chosen: Backup, table: str | None, as_json: bool
) -> ExitCode:
    """Restore a file that is not there any more, or that is torn."""
    project = database.project
    if table:
        raise CannotStartError(
            f"There is no whole database at {project.database}; leave --table out, and all of it comes back."
        )
    with hold(project.lock_file(database.target), "restore", Deadline(database.wait), tell_holder):
        if not is_lost(project.database):
            raise BusyError("A run has made the database meanwhile; restore again.")
        store.put_back(chosen, project.database)
    with database.write("restore") as (tables, _zone):
        # What the file held that is lost, nobody knows any more.
        audit.note(tables, project.directory, "restore", _what(chosen, chosen.rows, set()), 0)
    _tell_restored(chosen, list(chosen.rows), [], None, as_json)
    return ExitCode.OK


def _what(chosen: Backup, names: Iterable[str], gone: Iterable[Object]) -> str:
    """What a restore does, for audit_log."""
    dropped = sorted(name for name, _ in gone)
    ends = f"; dropped: {', '.join(dropped)}" if dropped else ""
    return f"backup {chosen.id} in the place of {', '.join(sorted(names))}{ends}"


def _tell_restored(
    chosen: Backup, names: list[str], dropped: list[str], before: Backup | None, as_json: bool
) -> None:
    rows = {name: chosen.rows[name] for name in names}
    if as_json:
        kept = before.id if before else None
        print_json({"restored": chosen.id, "rows_by_table": rows, "dropped": dropped, "backup": kept})
        return
    if before:
        click.echo(told(before))
    click.echo(f"restored {chosen.id}: {len(rows)} tables, {sum(rows.values()):,} rows")
    if dropped:
        click.echo(f"dropped, because the backup has none: {', '.join(dropped)}")
    click.echo(f"Views and functions are made anew by the next runs: {REDEPLOY}.")
