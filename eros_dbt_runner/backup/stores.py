"""Backups of the tables that EROS owns: copies of the DuckDB file, snapshots on BigQuery.

Views and functions hold no rows and are not kept: every run makes them anew from the project.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from eros_dbt_runner import clock
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.texts import plain
from eros_dbt_runner.warehouse.base import Object, Warehouse

ID_FORMAT = "%Y%m%d_%H%M%S"
# What BigQuery takes as the value of a label.
NAME = re.compile(r"[a-z0-9_-]{1,60}")


@dataclass(frozen=True)
class Backup:
    """A backup that is whole.

    `rows` is the number of rows by table, `made_by` the command; `bytes` is None where the engine
    does not tell, `expires_at` where nothing expires, `database` where it is always the same one.
    """

    id: str
    name: str | None
    made_by: str
    rows: Mapping[str, int]
    bytes: int | None = None
    expires_at: datetime | None = None
    database: str | None = None

    @property
    def made_at(self) -> datetime:
        """When it was made."""
        return datetime.strptime(self.id, ID_FORMAT).replace(tzinfo=timezone.utc)

    def as_json(self) -> dict[str, Any]:
        """The backup as `--json` prints it."""
        facts: dict[str, Any] = plain(
            {
                "id": self.id,
                "name": self.name,
                "made_at": self.made_at,
                "made_by": self.made_by,
                "tables": len(self.rows),
                "rows": sum(self.rows.values()),
                "bytes": self.bytes,
                "expires_at": self.expires_at,
                "rows_by_table": self.rows,
            }
        )
        return facts


class Store(ABC):
    """Where the backups of one database are."""

    @abstractmethod
    def backups(self) -> list[Backup]:
        """All whole backups, the newest first; those that broke off are not among them."""

    @abstractmethod
    def create(self, tables: Warehouse, names: Iterable[str], name: str | None, made_by: str) -> Backup:
        """Keep the tables called `names` of `tables`, which no run is writing to.

        Raises ErosError (RUN_FAILED) when it cannot be written or is not what it should be; then
        nothing is left of it.
        """

    @abstractmethod
    def restore(
        self, tables: Warehouse, backup: Backup, names: Iterable[str], gone: Iterable[Object]
    ) -> None:
        """Make the tables called `names` what they were, and drop what is `gone`.

        Raises ErosError (RUN_FAILED) when the engine refuses.
        """

    @abstractmethod
    def delete(self, backup: Backup) -> None:
        """Delete a backup."""

    def is_own(self, _backup: Backup) -> bool:
        """Whether a backup is one of the database whose store this is."""
        return True

    def find(self, backup_id: str) -> Backup:
        """The backup called `backup_id`, or the one whose id begins so.

        Raises ErosError (USAGE) when there is none, or more than one.
        """
        found = [backup for backup in self.backups() if backup.id.startswith(backup_id.strip())]
        if len(found) == 1:
            return found[0]
        what = "No backup has" if not found else "More than one backup has"
        raise UsageError(f"{what} an id that begins with {backup_id!r}; see `eros backup list`.")

    def prune(self, keep: int) -> list[Backup]:
        """Delete all but the newest `keep` of this database; gives those that are deleted."""
        old = [backup for backup in self.backups() if self.is_own(backup)][keep:]
        for backup in old:
            self.delete(backup)
        return old


def new_id(is_taken: Callable[[str], bool]) -> str:
    """The id of a backup made now; ids are moments, and no two are the same."""
    moment = clock.now()
    while is_taken(f"{moment:{ID_FORMAT}}"):
        moment += timedelta(seconds=1)
    return f"{moment:{ID_FORMAT}}"
