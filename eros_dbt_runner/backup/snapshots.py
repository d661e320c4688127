"""Backups on BigQuery: a snapshot of each table, in the same dataset, all of one moment.

A snapshot is called backup_ID_TABLE. Its labels say what it belongs to and how many snapshots that
backup has, so that one which broke off half-way is known by their number. Snapshots expire.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from eros_dbt_runner.backup.stores import Backup, Store, new_id
from eros_dbt_runner.declarations.owned_objects import VIEW
from eros_dbt_runner.errors import RunFailedError
from eros_dbt_runner.warehouse.base import Object, Warehouse
from eros_dbt_runner.warehouse.bigquery import REQUESTS_AT_ONCE, BigQueryWarehouse

MS_PER_DAY = 24 * 60 * 60 * 1000
LABELS_OF_A_TABLE = {"app": "eros"}


class SnapshotStore(Store):
    """The snapshots of a dataset; the account must be allowed to delete them, for they expire."""

    def __init__(self, warehouse: BigQueryWarehouse, days: int) -> None:
        """New backups expire after so many `days`."""
        self._warehouse = warehouse
        self._days = days

    def backups(self) -> list[Backup]:
        """As in Store, by one listing of the dataset."""
        found: dict[str, list[Any]] = {}
        for item in self._snapshots():
            found.setdefault(item.labels["eros_backup"], []).append(item)
        whole = [_backup(key, items) for key, items in found.items() if _is_whole(items)]
        return sorted(whole, key=lambda backup: backup.id, reverse=True)

    def create(self, tables: Warehouse, names: Iterable[str], name: str | None, made_by: str) -> Backup:
        """As in Store; the rows of the snapshots are counted before it is called good."""
        taken = {item.labels["eros_backup"] for item in self._snapshots()}
        backup_id = new_id(taken.__contains__)
        rows = tables.row_counts(names)
        [now] = tables.rows("select current_timestamp() as moment")
        expires = now["moment"].replace(microsecond=0) + timedelta(days=self._days)
        backup = Backup(backup_id, name, made_by, rows, expires_at=expires)
        days = _partition_days(self._warehouse.listed())
        statements = [
            snapshot_statement(
                tables.table(snapshot_name(backup, table)), tables.table(table), now["moment"], expires,
                _labels(backup, table, days.get(table)),
            )
            for table in rows
        ]  # fmt: skip
        try:
            with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
                list(pool.map(tables.rows, statements))
            kept = tables.row_counts(snapshot_name(backup, table) for table in rows)
            if kept != {snapshot_name(backup, table): n for table, n in rows.items()}:
                raise RunFailedError(
                    "The tables changed while they were backed up; nothing was kept, try again."
                )
        except BaseException:
            self.delete(backup)
            raise
        return backup

    def restore(
        self, tables: Warehouse, backup: Backup, names: Iterable[str], gone: Iterable[Object]
    ) -> None:
        """As in Store, one table after the other, each whole; asked again, it does the rest."""
        rows = {name: backup.rows[name] for name in names}
        tables.drop((name, kind) for name, kind in tables.objects() if name in rows and kind == VIEW)
        days = {item.table_id: item.labels.get("eros_partition_days") for item in self._snapshots()}
        for name in rows:
            snapshot = snapshot_name(backup, name)
            tables.rows(clone_statement(tables.table(name), tables.table(snapshot), days.get(snapshot)))
        tables.drop(gone)
        if tables.row_counts(rows) != rows:
            raise RunFailedError("The restored tables lack rows; restore again.")

    def _snapshots(self) -> list[Any]:
        """Those that backups have made, as the client lists tables."""
        listed = self._warehouse.listed()
        return [item for item in listed if item.table_type == "SNAPSHOT" and "eros_backup" in item.labels]

    def delete(self, backup: Backup) -> None:
        """As in Store."""
        for table in backup.rows:
            name = self._warehouse.table(snapshot_name(backup, table))
            self._warehouse.rows(f"drop snapshot table if exists {name}")


def snapshot_name(backup: Backup, table: str) -> str:
    """The name of a table's snapshot."""
    return f"backup_{backup.id}_{table}"


def snapshot_statement(
    snapshot: str, table: str, moment: datetime, expires: datetime, labels: Mapping[str, str]
) -> str:
    """What keeps `table` as it was at `moment`; names as SQL writes them, labels checked."""
    return (
        f"create snapshot table {snapshot} clone {table}"
        f" for system_time as of timestamp '{moment.isoformat()}'"
        f" options (expiration_timestamp = timestamp '{expires.isoformat()}', labels = {_list(labels)})"
    )


def clone_statement(table: str, snapshot: str, partition_days: str | None) -> str:
    """What makes `table` what its snapshot is, but without the snapshot's own expiry and labels."""
    options = f"expiration_timestamp = null, labels = {_list(LABELS_OF_A_TABLE)}"
    if partition_days:
        options += f", partition_expiration_days = {int(partition_days)}"
    return f"create or replace table {table} clone {snapshot} options ({options})"


def _list(labels: Mapping[str, str]) -> str:
    return "[" + ", ".join(f"('{key}', '{value}')" for key, value in labels.items()) + "]"


def _labels(backup: Backup, table: str, partition_days: int | None) -> dict[str, str]:
    return {
        **LABELS_OF_A_TABLE,
        "eros_backup": backup.id,
        "eros_made_by": backup.made_by,
        "eros_tables": str(len(backup.rows)),
        "eros_rows": str(backup.rows[table]),
        **({"eros_name": backup.name} if backup.name else {}),
        **({"eros_partition_days": str(partition_days)} if partition_days else {}),
    }


def _is_whole(items: list[Any]) -> bool:
    return all(item.labels.get("eros_tables") == str(len(items)) for item in items)


def _backup(backup_id: str, items: list[Any]) -> Backup:
    labels = items[0].labels
    start = len(f"backup_{backup_id}_")
    return Backup(
        id=backup_id,
        name=labels.get("eros_name"),
        made_by=labels["eros_made_by"],
        rows={item.table_id[start:]: int(item.labels["eros_rows"]) for item in items},
        expires_at=min((item.expires for item in items if item.expires), default=None),
    )


def _partition_days(listed: list[Any]) -> dict[str, int]:
    """After how many days the partitions of a table expire, for the tables where they do."""
    return {
        item.table_id: int(item.time_partitioning.expiration_ms) // MS_PER_DAY
        for item in listed
        if item.time_partitioning and item.time_partitioning.expiration_ms
    }
