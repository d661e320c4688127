"""Alerts that no table can hold, because the database itself is out of reach."""

import json
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path

from eros_dbt_runner import clock
from eros_dbt_runner.alerts.channels import Attempt, channels, deliver
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.project import Project

REPEAT_HOURS = 24
SPOKEN = "alerts_without_database.json"


def speak(project: Project, source: str, message: str, next_step: str) -> list[Attempt]:
    """Send an alert that no table can hold: the database itself is out of reach.

    The same source is silent for 24 hours; a file in the runs folder remembers it. Never raises.
    """
    with suppress(ErosError, OSError):
        remembered = project.runs_dir / SPOKEN
        now = clock.now()
        spoken = _spoken(remembered)
        last = spoken.get(source)
        if last and now - datetime.fromisoformat(last) < timedelta(hours=REPEAT_HOURS):
            return []
        alert = {
            "alert_id": spoken_id(source, now), "alert_time": now,
            "alert_level": "CRITICAL", "alert_source": source,
            "alert_message": message, "job_id": None, "owner": "platform", "detail_table": "the database",
            "next_step": next_step,
        }  # fmt: skip
        attempts = [
            attempt
            for channel in channels()
            for attempt in deliver(channel, [{**alert, "channel": channel.name}])
        ]
        if any(attempt.is_delivered for attempt in attempts):
            project.runs_dir.mkdir(parents=True, exist_ok=True)
            remembered.write_text(json.dumps({**spoken, source: _moment(now)}))
        return attempts
    return []


def spoken_id(source: str, moment: datetime) -> str:
    """The id of an alert that no table holds: people take it by this."""
    return sha256(f"{source}|{_moment(moment)}".encode()).hexdigest()


def take_spoken(project: Project, prefix: str) -> str | None:
    """Take the alert without a row whose id begins with `prefix`: it is silent for a day from now.

    Gives its source, or None where there is none.
    """
    remembered = project.runs_dir / SPOKEN
    spoken = _spoken(remembered)
    found = [
        source
        for source, told in spoken.items()
        if prefix and spoken_id(source, datetime.fromisoformat(told)).startswith(prefix)
    ]
    if len(found) != 1:
        return None
    remembered.write_text(json.dumps({**spoken, found[0]: _moment(clock.now())}))
    return found[0]


def _moment(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat()


def _spoken(path: Path) -> dict[str, str]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {key: str(value) for key, value in found.items() if datetime.fromisoformat(str(value)).tzinfo}
    except (OSError, ValueError, AttributeError):
        return {}
