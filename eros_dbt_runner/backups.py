"""Backups of the tables that EROS owns: copies of the DuckDB file, snapshots on BigQuery.

Views and functions hold no rows and are not kept: every run makes them anew from the project.
"""

import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from eros_dbt_runner import clock
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, tell_nobody
from eros_dbt_runner.owned_objects import RELATIONS
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse import LOGS, DuckDbWarehouse, Object, Warehouse, plain
from eros_dbt_runner.writing import put_in_place

ID_FORMAT = "%Y%m%d_%H%M%S"
# What BigQuery takes as the value of a label.
NAME = re.compile(r"[a-z0-9_-]{1,60}")
DRAFT = re.compile(r"\.\d{8}_\d{6}\.\d+", re.ASCII)
RECORD = "backup.json"
COPY = "eros.duckdb"


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
        raise ErosError(
            f"{what} an id that begins with {backup_id!r}; see `eros backup list`.", ExitCode.USAGE
        )

    def prune(self, keep: int) -> list[Backup]:
        """Delete all but the newest `keep` of this database; gives those that are deleted."""
        old = [backup for backup in self.backups() if self.is_own(backup)][keep:]
        for backup in old:
            self.delete(backup)
        return old


def store_of(project: Project, target: Target) -> Store:
    """Where the backups of `target` are."""
    if target.adapter == "bigquery":
        from eros_dbt_runner.bigquery import BigQueryWarehouse
        from eros_dbt_runner.bigquery_backups import SnapshotStore

        return SnapshotStore(BigQueryWarehouse(target.settings()), project.bigquery_backup_days)
    return FileStore(project.backup_dir, project.identity(target))


def new_id(is_taken: Callable[[str], bool]) -> str:
    """The id of a backup made now; ids are moments, and no two are the same."""
    moment = clock.now()
    while is_taken(f"{moment:{ID_FORMAT}}"):
        moment += timedelta(seconds=1)
    return f"{moment:{ID_FORMAT}}"


class FileStore(Store):
    """A folder with one folder per backup: the copied file, and backup.json.

    A folder gets its name when it is whole, and not before.
    """

    def __init__(self, folder: Path, database: str | None = None) -> None:
        """The folder is made with the first backup; others than `database` may keep theirs there too."""
        self._folder, self._database = folder, database

    def is_own(self, backup: Backup) -> bool:
        """As in Store; older backups do not say whose they are, and count as this database's."""
        return backup.database in (None, self._database)

    def backups(self) -> list[Backup]:
        """As in Store; no database is opened for it."""
        if not self._folder.is_dir():
            return []
        found = [self._read(path) for path in self._folder.iterdir() if not path.name.startswith(".")]
        return sorted(filter(None, found), key=lambda backup: backup.id, reverse=True)

    def _read(self, path: Path) -> Backup | None:
        try:
            facts = json.loads((path / RECORD).read_text(encoding="utf-8"))
            rows = {str(name): int(number) for name, number in facts["rows"].items()}
            database = facts.get("database")
            backup = Backup(
                path.name, facts["name"], facts["made_by"], rows, facts["bytes"], database=database
            )
            datetime.strptime(backup.id, ID_FORMAT)  # noqa: DTZ007 - only whether it is one
            return backup if (path / COPY).stat().st_size == backup.bytes else None
        except (KeyError, TypeError, ValueError, AttributeError, OSError):
            return None

    def create(self, tables: Warehouse, names: Iterable[str], name: str | None, made_by: str) -> Backup:
        """As in Store; the copy is opened and its rows are counted before it gets its name."""
        backup_id = new_id(lambda taken: (self._folder / taken).exists())
        draft = self._folder / f".{backup_id}.{os.getpid()}"
        try:
            self._clear_drafts()
            draft.mkdir(parents=True)
            rows = tables.row_counts(names)
            _of_a_file(tables).copy_file(draft / COPY)
            _check(draft / COPY, rows)
            backup = Backup(backup_id, name, made_by, rows, (draft / COPY).stat().st_size)
            facts = {"name": name, "made_by": made_by, "rows": rows, "bytes": backup.bytes}
            facts["database"] = self._database
            (draft / RECORD).write_text(json.dumps(facts, indent=2), encoding="utf-8")
            draft.rename(self._folder / backup_id)
            return backup
        except OSError as error:
            raise ErosError(
                f"The backup cannot be written to {self._folder}: {error.strerror}.", ExitCode.RUN_FAILED
            ) from None
        finally:
            _delete(draft)

    def _clear_drafts(self) -> None:
        """Delete what backups that were killed have left."""
        for draft in self._folder.glob(".*.*"):
            if DRAFT.fullmatch(draft.name) and not _is_running(draft.suffix[1:]):
                _delete(draft)

    def restore(
        self, tables: Warehouse, backup: Backup, names: Iterable[str], gone: Iterable[Object]
    ) -> None:
        """As in Store, all of it or nothing, however the process ends."""
        rows = {name: backup.rows[name] for name in names}
        in_the_way = {found for found in tables.objects() if found[0] in rows and found[1] in RELATIONS}
        _of_a_file(tables).take_tables(self._folder / backup.id / COPY, rows, in_the_way | set(gone))

    def put_back(self, backup: Backup, database: Path) -> None:
        """Copy the whole file to where there is none any more, or a torn one."""
        put_in_place(self._folder / backup.id / COPY, database)

    def delete(self, backup: Backup) -> None:
        """As in Store; what is left of a deletion that broke off is not listed."""
        _delete(self._folder / backup.id)


def _delete(folder: Path) -> None:
    """Delete the folder of a backup; what somebody else has put there stays."""
    with suppress(OSError):
        for name in (RECORD, COPY, *(COPY + log for log in LOGS)):
            (folder / name).unlink(missing_ok=True)
        folder.rmdir()


def _of_a_file(tables: Warehouse) -> DuckDbWarehouse:
    """A FileStore goes with a DuckDB file, see `store`."""
    assert isinstance(tables, DuckDbWarehouse)  # noqa: S101 - a defect, not a user's mistake
    return tables


def _check(copy: Path, rows: Mapping[str, int]) -> None:
    """Raise ErosError (RUN_FAILED) unless `copy` opens and holds these rows."""
    try:
        with DuckDbWarehouse(copy, Deadline(0), tell_nobody) as tables:
            found = tables.row_counts(rows)
    except ErosError:
        found = {}
    wrong = sorted(name for name in rows if found.get(name) != rows[name])
    if wrong:
        what = one_sentence(", ".join(wrong), 200)
        raise ErosError(f"The copy lacks rows of {what}; it was not kept.", ExitCode.RUN_FAILED)


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
