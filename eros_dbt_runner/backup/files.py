"""Backups on DuckDB: copies of the file."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from eros_dbt_runner.backup.stores import ID_FORMAT, Backup, Store, new_id
from eros_dbt_runner.declarations.owned_objects import RELATIONS
from eros_dbt_runner.errors import ErosError, RunFailedError, one_sentence
from eros_dbt_runner.warehouse.base import Object, Warehouse
from eros_dbt_runner.warehouse.duckdb_file import LOGS, DuckDbWarehouse
from eros_dbt_runner.warehouse.lock import Deadline, tell_nobody
from eros_dbt_runner.warehouse.whole_file import put_in_place

DRAFT = re.compile(r"\.\d{8}_\d{6}\.\d+", re.ASCII)
RECORD = "backup.json"
COPY = "eros.duckdb"


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
            raise RunFailedError(
                f"The backup cannot be written to {self._folder}: {error.strerror}."
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
        raise RunFailedError(f"The copy lacks rows of {what}; it was not kept.")


def _is_running(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
