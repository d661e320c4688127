"""What a run left in the database."""

from datetime import date

from eros_dbt_runner import operations, published
from eros_dbt_runner.runner.verdict import Evidence
from eros_dbt_runner.warehouse.base import Row, Warehouse


def read_evidence(tables: Warehouse, job_id: str | None, execution_date: date, built: set[str]) -> Evidence:
    """What the run `job_id` for `execution_date`, which built the models `built`, left behind."""

    def of(model: str, sql: str, *parameters: object) -> list[Row]:
        return tables.rows_if_there(sql, parameters) if model in built else []

    job = tables.rows_if_there("select * from etl_job_runs where job_id = ?", [job_id])
    messages = None
    if "schedule_recommendations_messages" in built:
        messages = len(published.messages(tables, execution_date))
    counts = of(
        "input_reconciliation",
        "select source_name, rows_rejected - rows_not_due as rejected, rows_kept as kept"
        " from input_reconciliation order by source_name",
    )
    learning = of(
        "learning_coverage", "select eligible_messages, matched_messages, outcomes from learning_coverage"
    )
    rejected_rows = {row["source_name"]: row["rejected"] for row in counts if row["rejected"]}
    notes = of(
        "message_outcomes",
        "select value from project_state where fact = 'texts_keyed_again' and value != '' and job_id = ?",
        job_id,
    )
    return Evidence(
        job_run=job[0] if job else None,
        creator_errors=tables.rows_if_there(
            "select page_name, error_message from creator_processing_errors"
            " where job_id = ? order by page_name",
            [job_id],
        ),
        messages_scheduled=messages,
        messages_kept=sum(row["kept"] for row in counts),
        learning=learning[0] if learning else None,
        messages_left_out=of(
            "schedule_shortfalls",
            "select reason, cast(sum(left_out_count) as int64) as messages, count(*) as pages"
            " from schedule_shortfalls where schedule_date = ? group by reason"
            " order by messages desc, reason",
            execution_date,
        ),
        rejected_rows=rejected_rows,
        rejection_reasons=tables.rows_if_there(operations.REJECTED, [None]) if rejected_rows else [],
        findings=operations.findings(tables, job_id),
        stops=of(
            "publication_stops",
            "select stop_name, reason, next_step from publication_stops order by stop_name, reason",
        ),
        notes=[row["value"] for row in notes],
    )
