"""What a backup, a restore and a rollback share: the store, and the backup that comes first."""

from datetime import timedelta

import click

from eros_dbt_runner.backup.files import FileStore
from eros_dbt_runner.backup.stores import Backup, Store
from eros_dbt_runner.clock import now
from eros_dbt_runner.declarations.owned_objects import ours_among, owned_objects
from eros_dbt_runner.errors import BusyError
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse.base import Warehouse

yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")
REDEPLOY = "`eros run performance`, then `eros run daily`"
# A run can last as long as its schedules allow, all retries included; an older row is a dead run's.
RUN_TIME = timedelta(hours=6)


def store_of(project: Project, target: Target) -> Store:
    """Where the backups of `target` are."""
    if target.adapter == "bigquery":
        from eros_dbt_runner.backup.snapshots import SnapshotStore
        from eros_dbt_runner.warehouse.bigquery import BigQueryWarehouse

        return SnapshotStore(BigQueryWarehouse(target.settings()), project.bigquery_backup_days)
    return FileStore(project.backup_dir, project.identity(target))


def keep_tables(
    store: Store, tables: Warehouse, project: Project, name: str | None, made_by: str
) -> Backup | None:
    """Back up the tables of ours; None when there are none."""
    ours = ours_among(tables.objects(), owned_objects(project.directory))
    names = sorted(found for found, kind in ours if kind == "table")
    return store.create(tables, names, name, made_by) if names else None


def refuse_while_others_run(tables: Warehouse) -> None:
    """The lock holds back the runs of this machine; those of others are known by their rows.

    Raises ErosError (BUSY) for a row that is RUNNING and not too old for it.
    """
    if not tables.is_shared:
        return
    for run in tables.rows_if_there(
        "select job_id, job_name, job_start_time from etl_job_runs"
        " where job_status = 'RUNNING' and job_start_time > ?",
        [now() - RUN_TIME],
    ):
        raise BusyError(
            f"A run of {run['job_name']} ({run['job_id'][:8]}) is in progress elsewhere; wait for its end."
        )


def told(made: Backup) -> str:
    """A backup in one line."""
    size = f", {made.bytes / 2**20:,.1f} MiB" if made.bytes is not None else ""
    return f"backup {made.id}: {len(made.rows)} tables, {sum(made.rows.values()):,} rows{size}"
