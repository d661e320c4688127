"""What a run is asked for, and how that is told to dbt."""

import os
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from eros_dbt_runner import clock
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.schedules import Schedule
from eros_dbt_runner.warehouse.duckdb_file import has_table

# The moment, in UTC, at which a schedule was due; `eros serve` tells its runs.
SLOT_VARIABLE = "EROS_SLOT"
SERVICE_VARIABLE = "EROS_SERVICE_PID"
# After how many seconds `eros serve` ends a run; it counts from a moment before the run's own beginning.
LIMIT_VARIABLE = "EROS_TIMEOUT_SECONDS"
SECONDS_TO_BEGIN = 10
RUN_VARIABLES = ("EROS_AS_OF", "EROS_SINCE", "EROS_JOB_NAME", "EROS_DATA_DIR")


@dataclass(frozen=True)
class Request:
    """A run that somebody asked for.

    `asks_for_target` tells whether `target` was named on the command line; `as_of` None means the
    moment at which the run begins; `wait` is in seconds.
    """

    project: Project
    schedule: Schedule
    target: Target
    asks_for_target: bool = False
    as_of: datetime | None = None
    since: date | None = None
    full_refresh: bool = False
    wait: float = 0.0

    @property
    def on_duckdb(self) -> bool:
        """Whether the target is a DuckDB file that this process can open itself."""
        return self.target.adapter == "duckdb"

    def inputs(self) -> str:
        """Where the input tables are."""
        return self.project.inputs() if self.on_duckdb else "tables in the dataset"


def environment(request: Request, as_of: datetime) -> dict[str, str]:
    """What a run tells dbt, beside its arguments.

    By environment and not by --vars, which would cost a full parse. EROS_DUCKDB_PATH is left as it
    is: dbt resolves it from the project folder as `Project` does, and another spelling of the same
    path would cost a full parse too. But where it is a link, DuckDB calls the catalogue by the name of
    the file behind it, and dbt has to know that name.
    """
    values = {
        "EROS_JOB_NAME": request.schedule.name,
        "EROS_AS_OF": clock.iso(as_of),
        "EROS_DATA_DIR": str(request.project.data_dir),
    }
    given = os.environ.get("EROS_DUCKDB_PATH")
    if given and Path(given).stem != request.project.database.stem:
        values["EROS_DUCKDB_PATH"] = str(request.project.database)
    if request.since:
        values["EROS_SINCE"] = request.since.isoformat()
    return values


def arguments(request: Request, command: str = "build", log_path: Path | None = None) -> list[str]:
    """The argument list for dbt. --target only if asked for: naming the default costs a full parse."""
    result = [command, "--selector", request.schedule.selector]
    result += ["--project-dir", str(request.project.directory)]
    result += ["--profiles-dir", str(request.project.profiles_dir)]
    result += ["--log-level", "none", "--log-level-file", "debug"]
    if log_path:
        result += ["--log-path", str(log_path)]
    if request.asks_for_target:
        result += ["--target", request.target.name]
    if command == "build":
        # Writing the manifest, twice, would cost a second; `invoke` writes the results.
        result += ["--no-write-json"]
        result += ["--full-refresh"] if request.full_refresh else []
    return result


def present(request: Request) -> datetime:
    """The moment of a run that names none: now, or the end of the shipped sample where only that is there."""
    project = request.project
    if not (request.on_duckdb and project.is_sample) or has_table(project.database, "mass_messages"):
        return clock.now()
    return clock.parse_moment(project.sample_as_of(), "sample_as_of")


def enter(request: Request, given: dict[str, str]) -> None:
    """Make this process the run's: its environment and, for relative paths, the project folder."""
    for name in RUN_VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(given)
    os.chdir(request.project.directory)
