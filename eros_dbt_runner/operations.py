"""Statements on the run log, the alerts and the scorecard that several rooms need."""

from datetime import date, datetime
from hashlib import sha256

from eros_dbt_runner.clock import now
from eros_dbt_runner.warehouse.base import Row, Warehouse

# Nothing is wrong with a message that is not due yet.
REJECTED = (
    "select source_name, rejection_reason, row_count, example_row_key, example_row from rejection_reasons"
    " where source_name = coalesce(?, source_name) and rejection_reason != 'sending_time is in the future'"
    " order by is_fault desc, row_count desc, source_name, rejection_reason"
)


def job_runs(tables: Warehouse, limit: int, job_name: str | None = None) -> list[Row]:
    """The newest rows of etl_job_runs, of one job or of all."""
    rows = tables.rows(
        "select * from etl_job_runs where job_name = coalesce(?, job_name)"
        " order by job_start_time desc, job_id",
        [job_name],
    )
    return rows[:limit]


def job_runs_like(tables: Warehouse, prefix: str) -> list[Row]:
    """The rows of etl_job_runs whose job_id begins with `prefix`."""
    return tables.rows("select * from etl_job_runs where starts_with(job_id, ?)", [prefix])


def findings(tables: Warehouse, job_id: str | None) -> dict[str, str]:
    """What was wrong in a run, in words, by the name of the test or model that found it."""
    rows = tables.rows_if_there("select node_name, message from run_findings where job_id = ?", [job_id])
    return {row["node_name"]: row["message"] for row in rows}


def rejected(tables: Warehouse, table: str | None) -> list[Row]:
    """Why rows of one input or of all cannot be used: what has to be mended first, by how often it is."""
    return tables.rows(REJECTED, [table], made_by="performance")


def health(tables: Warehouse) -> list[Row]:
    """The scorecard as it is now, the worst first."""
    return tables.rows(
        "select * from health_checks order by case check_status"
        " when 'FAIL' then 1 when 'WARN' then 2 else 3 end, check_name",
        made_by="performance",
    )


def raise_alert(tables: Warehouse, level: str, source: str, message: str) -> None:
    """Insert an alert that belongs to no run; nothing happens where its table is not there yet."""
    moment = now()
    key = sha256(f"{source}|{level}|{moment.isoformat()}".encode()).hexdigest()
    insert_alert(tables, key, moment, level, source, message, None)


def insert_alert(
    tables: Warehouse,
    alert_id: str,
    moment: datetime,
    level: str,
    source: str,
    message: str,
    job_id: str | None,
) -> None:
    """Insert an alert, of the run `job_id` or of none; nothing happens where its table is not there yet."""
    tables.rows_if_there(
        "insert into automation_alerts (alert_id, alert_time, alert_level, alert_source, alert_message,"
        " job_id, acknowledged) values (?, ?, ?, ?, ?, ?, false)",
        [alert_id, moment, level, source, message, job_id],
    )


def fail_job_run(
    tables: Warehouse,
    job_id: str,
    job_name: str,
    began: datetime,
    execution_date: date,
    reason: str,
    *,
    overrule: bool = False,
) -> str:
    """See to it that a run that ended without its closing hook has a FAILED row, and an alert.

    A row that says how the run ended stays as it is, unless the verdict is to `overrule` it. Gives
    the status of the row. Nothing is raised: where the tables are not there yet, there is nothing to
    tell.
    """
    ended = now()
    seconds = (ended - began).total_seconds()
    found = tables.rows_if_there("select job_status from etl_job_runs where job_id = ?", [job_id])
    if not found:
        tables.rows_if_there(
            "insert into etl_job_runs (job_id, job_name, job_start_time, job_end_time, job_status,"
            " execution_date, error_message, job_duration_seconds)"
            " values (?, ?, ?, ?, 'FAILED', ?, ?, ?)",
            [job_id, job_name, began, ended, execution_date, reason, seconds],
        )
    elif overrule or found[0]["job_status"] == "RUNNING":
        tables.rows_if_there(
            "update etl_job_runs set job_status = 'FAILED', job_end_time = ?,"
            " job_duration_seconds = ?, error_message = ? where job_id = ? and job_status = ?",
            [ended, seconds, reason, job_id, found[0]["job_status"]],
        )
    else:
        return str(found[0]["job_status"])
    # The id that macros/hooks/job_run.sql gives the alert of a run: nobody raises a second one.
    alert_id = sha256(f"{job_id}|job_run".encode()).hexdigest()
    if not tables.rows_if_there("select alert_id from automation_alerts where alert_id = ?", [alert_id]):
        message = f"{job_name} failed: {reason}"
        insert_alert(tables, alert_id, ended, "CRITICAL", "job_run", message, job_id)
    return "FAILED"
