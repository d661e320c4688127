"""One folder per run with what the run leaves: run.json, dbt's results, dbt's log.

run.json is written when dbt begins and again at the end, so that a run that was killed has one too.
A plain `dbt build` leaves its results in target/ only; `adopt` makes a folder for them. Somebody may keep
other things in the same place: only a folder with the name and the record of a run is looked at.
"""

import gzip
import json
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from eros_dbt_runner.clock import iso, now, parse_moment
from eros_dbt_runner.errors import ErosError

RECORD = "run.json"
RESULTS = "run_results.json"
LOG = "dbt.log"
NAME = re.compile(r"\d{8}T\d{6}Z_[a-z][a-z0-9_-]{0,59}_[0-9a-f]+", re.ASCII)
# All that ever lies in the folder of a run; dbt numbers the logs that it has filled.
OWN_FILE = re.compile(r"run\.json(\.\d+)?|run_results\.json|dbt\.log(\.\d+)?(\.gz)?", re.ASCII)


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. `noted` is what this process has recorded, whatever became of the file."""

    path: Path
    noted: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def create(cls, runs: Path, schedule: str) -> "RunFolder":
        """A new folder in `runs`, named by the moment, the schedule and this process."""
        path = runs / f"{now():%Y%m%dT%H%M%SZ}_{schedule}_{os.getpid()}"
        path.mkdir(parents=True, exist_ok=True)
        return cls(path)

    def record(self, facts: Mapping[str, Any]) -> None:
        """Add `facts` to run.json; a reader sees the old state or the new one. Raises OSError."""
        content = {**self.facts(), **facts}
        self.noted.update(facts)
        draft = self.path / f"{RECORD}.{os.getpid()}"
        try:
            self.path.mkdir(parents=True, exist_ok=True)  # somebody may have deleted it in mid-run
            draft.write_text(json.dumps(content, ensure_ascii=False, indent=2), "utf-8")
            draft.replace(self.path / RECORD)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
                self.path.rmdir()  # if nothing is in it
            raise

    def facts(self) -> dict[str, Any]:
        """What run.json says; where it is missing or broken, what this process has noted."""
        return {**self.noted, **_read_json(self.path / RECORD)}

    def is_ours(self) -> bool:
        """Whether `eros` made this folder: it has the name of a run, and a record that `eros` wrote.

        Nothing at all lies in it where a run was killed before it could write its record.
        """
        if not NAME.fullmatch(self.path.name) or self.path.is_symlink() or not self.path.is_dir():
            return False
        if not any(self.path.iterdir()):
            return True
        facts = self.facts()
        begun = {"schedule", "as_of", "began_at", "status"} <= facts.keys()
        adopted = "schedule" in facts and {"invocation_id", "ended_at"} <= facts.keys()
        return begun or adopted

    def belongs_to(self, database: str) -> bool:
        """Whether the run was one on `database`, see Project.identity; older records do not say."""
        return bool(self.facts().get("database", database) == database)

    def delete(self) -> bool:
        """Delete the folder, unless something lies in it that no run leaves; gives whether it is gone."""
        try:
            files = list(self.path.iterdir())
            if not self.is_ours() or any(not OWN_FILE.fullmatch(f.name) or f.is_dir() for f in files):
                return False
            for file in sorted(files, key=lambda file: file.name == RECORD):  # last what tells whose it is
                file.unlink()
            self.path.rmdir()
        except OSError:
            return False
        return True

    def run_id(self) -> str:
        """The job_id of the run: dbt's invocation, or the folder's name if dbt never began."""
        return self.facts().get("invocation_id") or self.path.name

    def results(self) -> list[dict[str, Any]]:
        """The results of the run's nodes, as in run_results.json."""
        found = _read_json(self.path / RESULTS).get("results")
        return [result for result in found if isinstance(result, dict)] if isinstance(found, list) else []

    def pack_log(self) -> None:
        """Compress the log, which holds every statement: to about a tenth. Raises OSError."""
        log, packed = self.path / LOG, self.path / f"{LOG}.gz"
        if not log.exists():
            return
        try:
            with log.open("rb") as source, gzip.open(packed, "wb") as target:
                shutil.copyfileobj(source, target)
            log.unlink()
        except OSError:
            with suppress(OSError):
                packed.unlink(missing_ok=True)
            raise

    def log(self) -> Path | None:
        """The log, packed or not."""
        found = sorted(self.path.glob(f"{LOG}*"))
        return found[0] if found else None


def folders(runs: Path) -> list[RunFolder]:
    """The folders of all runs, the newest first; whatever else lies there is not among them."""
    if not runs.is_dir():
        return []
    found = (RunFolder(path) for path in sorted(runs.iterdir(), reverse=True))
    return [folder for folder in found if folder.is_ours() or "schedule" in folder.facts()]


def find(runs: Path, run_id: str) -> RunFolder | None:
    """The folder of a run."""
    return next((folder for folder in folders(runs) if folder.run_id() == run_id), None)


def prune(runs: Path, keep_days: int) -> int:
    """Delete the folders of runs older than `keep_days` days; gives their number."""
    newest_to_delete = f"{now() - timedelta(days=keep_days):%Y%m%dT%H%M%SZ}"
    old = [folder for folder in folders(runs) if folder.path.name < newest_to_delete]
    return sum(folder.delete() for folder in old)


def adopt(runs: Path, target: Path) -> RunFolder | None:
    """Keep the results that a dbt command outside of `eros` left in `target`, if not kept yet."""
    metadata: Any = _read_json(target / RESULTS).get("metadata")
    try:
        invocation_id = str(UUID(metadata["invocation_id"]))
        moment: datetime = parse_moment(metadata["generated_at"])
    except (TypeError, KeyError, ValueError, AttributeError, ErosError):
        return None  # not what dbt writes
    if find(runs, invocation_id):
        return None
    folder = RunFolder(runs / f"{moment:%Y%m%dT%H%M%SZ}_dbt_{invocation_id[:8]}")
    try:
        folder.record({"schedule": None, "invocation_id": invocation_id, "ended_at": iso(moment)})
        shutil.copyfile(target / RESULTS, folder.path / RESULTS)
    except OSError:  # no room for it; there is no half of it either
        folder.delete()
        return None
    return folder


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
