"""schedules.yml in the words of schedulers that are there already; each as files by name."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

import yaml
from cronsim import CronSim
from jinja2 import Environment, PackageLoader, StrictUndefined

from eros_dbt_runner.clock import now
from eros_dbt_runner.errors import UsageError
from eros_dbt_runner.project import Project
from eros_dbt_runner.schedules import Schedule

Settings = Mapping[str, str]
NOTHING_SET: Settings = {}
# What a single run is told, and what somebody must not read in a file.
OF_ONE_RUN = frozenset({
    "EROS_AS_OF", "EROS_SINCE", "EROS_JOB_NAME", "EROS_SLOT", "EROS_SERVICE_PID", "EROS_TIMEOUT_SECONDS",
    "EROS_PROJECT_DIR",
})  # fmt: skip
SECRETS = ("PASSWORD", "TOKEN", "SECRET", "WEBHOOK")
PATHS = {
    "EROS_DATA_DIR": "data_dir", "EROS_DUCKDB_PATH": "database", "EROS_RUNS_DIR": "runs_dir",
    "EROS_BACKUP_DIR": "backup_dir", "DBT_PROFILES_DIR": "profiles_dir",
}  # fmt: skip
MADE_BY = "Made from schedules.yml by `eros schedules export`."
ALL = {"minutes": 60, "hours": 24, "days": 31, "months": 12, "weekdays": 7}
WEEKDAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def settings_of(project: Project, environment: Settings) -> dict[str, str]:
    """The settings that a run here has and that one started by another scheduler needs; paths are absolute.

    Raises ErosError (USAGE) for one with a line end, and for secrets, which have no place in such a file.
    """
    found = {
        name: str(getattr(project, PATHS[name])) if name in PATHS else value
        for name, value in sorted(environment.items())
        if value and (name.startswith("EROS_") or name in ("DBT_TARGET", "DBT_PROFILES_DIR"))
        and name not in OF_ONE_RUN
    }  # fmt: skip
    secret = [name for name in found if any(word in name for word in SECRETS)]
    if secret:
        raise UsageError(
            f"{', '.join(secret)} would stand readable in the files: unset it here, export again, and set it"
            " where the scheduler keeps its secrets."
        )
    broken = [name for name, value in found.items() if "\n" in value or '"' in value or "\\" in value]
    if broken:
        raise UsageError(f"{', '.join(broken)} holds a quote, a backslash or a line end.")
    return found


def as_cron(
    schedules: Iterable[Schedule], directory: Path, command: Path, settings: Settings = NOTHING_SET
) -> dict[str, str]:
    """A crontab for cronie and others that know CRON_TZ."""
    given = {"schedules": list(schedules), "directory": directory, "command": command, "settings": settings}
    return {"eros.crontab": _filled("eros.crontab.j2", **given)}


def as_systemd(
    schedules: Iterable[Schedule], directory: Path, command: Path, settings: Settings = NOTHING_SET
) -> dict[str, str]:
    """A service and a timer per schedule; a missed run is caught up with once (Persistent)."""
    given = {"directory": directory, "command": command, "settings": settings}
    return {
        f"eros-{schedule.name}.{kind}": _filled(f"eros.{kind}.j2", schedule=schedule, **given)
        for schedule in schedules
        for kind in ("service", "timer")
    }


def as_cloud_run(
    schedules: Iterable[Schedule], directory: Path, command: Path, settings: Settings = NOTHING_SET
) -> dict[str, str]:
    """A script that deploys a Cloud Run job per schedule and a Cloud Scheduler job that starts it."""
    given = {**_of_bigquery(settings), "DBT_TARGET": "bigquery"}
    # Another separator than the comma, which may stand in a value.
    variables = "^@^" + "@".join(f"{name}={value}" for name, value in given.items())
    return {"eros-cloud-run.sh": _filled("eros-cloud-run.sh.j2", schedules=schedules, variables=variables)}


def _filled(template: str, **given: object) -> str:
    """A file of templates/ with what is `given`."""
    environment = Environment(
        loader=PackageLoader("eros_dbt_runner.service"),
        autoescape=False,  # noqa: S701 - no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "quoted": lambda text: shlex.quote(str(text)),
        # What systemd does not take as one of its specifiers or escapes.
        "literal": lambda text: str(text).replace("%", "%%").replace("\\", "\\\\"),
        "calendar": on_calendar,
    }
    return environment.get_template(template).render(made_by=MADE_BY, **given)


def on_calendar(schedule: Schedule) -> str:
    """A cron expression as systemd says it.

    Raises ErosError (USAGE) for one that names days of the month and of the week: cron means either,
    systemd both; and for one such as the second Sunday, which comes as a pair.
    """
    parts = CronSim(schedule.cron, now())
    weekdays = sorted({day % 7 for day in parts.weekdays if isinstance(day, int)})
    if not parts.day_and or not weekdays:
        raise UsageError(f"systemd cannot say the cron expression of {schedule.name}, {schedule.cron!r}.")
    names = "" if len(weekdays) == ALL["weekdays"] else ",".join(WEEKDAYS[day] for day in weekdays) + " "
    date = f"*-{_values(parts.months, 'months')}-{_values(parts.days, 'days')}"
    clock = f"{_values(parts.hours, 'hours')}:{_values(parts.minutes, 'minutes')}:00"
    return f"{names}{date} {clock} {schedule.timezone.key}"


def _values(values: set[int], kind: str) -> str:
    return "*" if len(values) == ALL[kind] else ",".join(f"{value:02}" for value in sorted(values))


def as_github_actions(
    schedules: Iterable[Schedule], directory: Path, command: Path, settings: Settings = NOTHING_SET
) -> dict[str, str]:
    """A workflow that runs each schedule on BigQuery, with credentials from a repository secret."""
    schedules = list(schedules)
    workflow = {
        "name": "EROS schedules",
        "on": {
            "schedule": [{"cron": s.cron, "timezone": s.timezone.key} for s in schedules],
            "workflow_dispatch": {},
        },
        "permissions": {"contents": "read"},
        "concurrency": {"group": "eros", "cancel-in-progress": False},
        "jobs": {schedule.name: _github_job(schedule, _of_bigquery(settings)) for schedule in schedules},
    }
    text = yaml.safe_dump(workflow, sort_keys=False, width=110)
    return {"eros.yml": f"# {MADE_BY}\n{text}"}


def _of_bigquery(settings: Settings) -> dict[str, str]:
    """Those that mean something elsewhere: no path of this machine does."""
    here = {*PATHS, "DBT_TARGET", "EROS_BIGQUERY_METHOD", "EROS_BIGQUERY_KEYFILE"}
    return {name: value for name, value in settings.items() if name not in here}


def _github_job(schedule: Schedule, settings: Settings) -> Mapping[str, object]:
    return {
        "if": f"github.event.schedule == '{schedule.cron}'",
        "runs-on": "ubuntu-latest",
        "timeout-minutes": -(-schedule.timeout_seconds // 60) + 10,
        "env": {**settings, "DBT_TARGET": "bigquery", "EROS_BIGQUERY_METHOD": "service-account"},
        "steps": [
            {"uses": "actions/checkout@v4"},
            {"run": "python3 -m pip install --constraint constraints.txt '.[bigquery]'"},
            {
                "name": "credentials",
                "run": 'printf "%s" "$KEY" > "$RUNNER_TEMP/key.json"\n'
                'echo "EROS_BIGQUERY_KEYFILE=$RUNNER_TEMP/key.json" >> "$GITHUB_ENV"\n',
                "env": {"KEY": "${{ secrets.EROS_BIGQUERY_KEY }}"},
            },
            {"run": f"eros run {schedule.name}"},
        ],
    }


FORMATS = {
    "cron": as_cron,
    "systemd": as_systemd,
    "github-actions": as_github_actions,
    "cloud-run": as_cloud_run,
}
