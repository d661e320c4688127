"""Statements on the alerts: automation_alerts, the view alert_queue, and alert_deliveries."""

from collections.abc import Iterable, Sequence

from eros_dbt_runner.alerts.channels import Attempt
from eros_dbt_runner.clock import now
from eros_dbt_runner.operations import raise_alert
from eros_dbt_runner.warehouse.base import Row, Warehouse


def raise_due(tables: Warehouse, checks: Sequence[Row]) -> list[str]:
    """Insert the alerts that the rows of health_checks say are due; gives their sources."""
    due = [check for check in checks if check["alert_due"]]
    for check in due:
        raise_alert(tables, check["alert_due"], check["check_name"], check["message"])
    return [check["check_name"] for check in due]


def open_sources(tables: Warehouse) -> set[str]:
    """The sources of the alerts that nobody has taken."""
    rows = tables.rows(
        "select distinct alert_source from automation_alerts where not coalesce(acknowledged, false)"
    )
    return {row["alert_source"] for row in rows}


def close(tables: Warehouse, sources: Iterable[str]) -> None:
    """Close the open alerts of checks that pass again."""
    for source in sources:
        tables.rows(
            "update automation_alerts set acknowledged = true, acknowledged_at = ?,"
            " acknowledged_by = 'recovered' where alert_source = ? and not coalesce(acknowledged, false)",
            [now(), source],
        )


def queue(tables: Warehouse) -> list[Row]:
    """The alerts that wait for delivery, a row per channel, the gravest and oldest first."""
    return tables.rows("select * from alert_queue order by alert_level, alert_time, alert_id, channel")


def log_deliveries(tables: Warehouse, attempts: Sequence[Attempt]) -> None:
    """One row of alert_deliveries for each attempt."""
    for attempt in attempts:
        tables.rows(
            "insert into alert_deliveries (alert_id, channel, attempted_at, is_delivered, error_message)"
            " values (?, ?, ?, ?, ?)",
            [attempt.alert_id, attempt.channel, attempt.attempted_at, attempt.is_delivered, attempt.error],
        )


def listed(tables: Warehouse, limit: int, *, taken_too: bool) -> list[Row]:
    """Alerts with who mends them and how; the open ones, or the newest of all."""
    rows = tables.rows(
        "select alerts.*, checks.owner, checks.next_step from automation_alerts as alerts"
        " left join health_checks as checks on alerts.alert_source = checks.check_name"
        " where ? or not coalesce(alerts.acknowledged, false)"
        " order by alerts.alert_time desc, alerts.alert_id",
        [taken_too],
        made_by="performance",
    )
    return rows[:limit]


def beginning_with(tables: Warehouse, prefix: str) -> list[Row]:
    """The alerts whose id begins with `prefix`."""
    return tables.rows("select * from automation_alerts where starts_with(alert_id, ?)", [prefix])


def take(tables: Warehouse, alert_id: str, who: str) -> None:
    """Note that `who` takes an alert."""
    tables.rows(
        "update automation_alerts set acknowledged = true, acknowledged_at = ?, acknowledged_by = ?"
        " where alert_id = ? and not coalesce(acknowledged, false)",
        [now(), who, alert_id],
    )


def is_of_run(tables: Warehouse, job_id: str | None) -> bool:
    """Whether there is an alert of the run `job_id`."""
    return bool(tables.rows("select 1 from automation_alerts where job_id = ?", [job_id]))
