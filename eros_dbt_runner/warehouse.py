"""Reads the EROS tables in the DuckDB file, for the commands that show them.

Values from people reach SQL only as bound parameters. Times come back as aware UTC datetimes.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from eros_dbt_runner.clock import now
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, connect_when_free
from eros_dbt_runner.verdict import Evidence

SCHEMA = "eros_scheduling_brain"
Row = dict[str, Any]


class Warehouse:
    """A read-only connection; use as a context manager, and briefly: it keeps runs waiting."""

    def __init__(self, database: Path, deadline: Deadline, on_wait: Callable[[str], None]) -> None:
        """Open the file as soon as no run is writing it.

        Raises ErosError: CANNOT_START when there is no such file, BUSY at the deadline.
        """
        if not database.exists():
            raise ErosError(
                f"There is no database at {database} yet; `eros run performance` and then"
                " `eros run daily` make it.",
                ExitCode.CANNOT_START,
            )
        self._path = database
        self._connection = connect_when_free(database, deadline, on_wait, read_only=True)
        if self._has_schema():
            self._connection.execute(f"use {SCHEMA}")

    def __enter__(self) -> "Warehouse":
        """Nothing to do: the constructor has connected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file."""
        self._connection.close()

    def _has_schema(self) -> bool:
        sql = "select 1 from duckdb_schemas() where schema_name = ? and database_name = current_database()"
        return self._connection.execute(sql, [SCHEMA]).fetchone() is not None

    def rows(self, sql: str, parameters: Sequence[Any] = (), made_by: str = "daily") -> list[Row]:
        """The result of a query, one dict per row.

        Raises ErosError (CANNOT_START) that names the schedule `made_by` when a table or a function
        is not there yet.
        """
        import duckdb

        try:
            cursor = self._connection.execute(sql, list(parameters))
        except duckdb.CatalogException as error:
            what = one_sentence(str(error).splitlines()[0])
            raise ErosError(
                f"{self._path} is not complete ({what}); run `eros run {made_by}` first.",
                ExitCode.CANNOT_START,
            ) from None
        except duckdb.Error as error:
            message = one_sentence(str(error))
            raise ErosError(f"The query failed: {message}", ExitCode.RUN_FAILED) from None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]

    def _rows_if_there(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """As `rows`, but nothing where the tables are missing: a first run that failed early."""
        try:
            return self.rows(sql, parameters)
        except ErosError:
            return []

    # ---- what a run left ----

    def evidence(self, job_id: str | None, execution_date: date, built: set[str]) -> Evidence:
        """What the run `job_id` for `execution_date`, which built the models `built`, left behind."""
        job = self._rows_if_there("select * from etl_job_runs where job_id = ?", [job_id])
        errors = self._rows_if_there(
            "select page_name, error_message from creator_processing_errors"
            " where job_id = ? order by page_name",
            [job_id],
        )
        messages = None
        if "schedule_recommendations_messages" in built:
            messages = len(self.day(execution_date))
        rejected = []
        if "input_reconciliation" in built:
            rejected = self._rows_if_there(
                "select source_name, rows_rejected - rows_not_due as rejected from input_reconciliation"
                " where rows_rejected > rows_not_due order by source_name"
            )
        rejected_rows = {row["source_name"]: row["rejected"] for row in rejected}
        return Evidence(job[0] if job else None, errors, messages, rejected_rows)

    # ---- the schedule ----

    def newest_day(self) -> date | None:
        """The last date that has a published schedule."""
        return self.rows("select max(schedule_date) as day from schedule_recommendations")[0]["day"]

    def day(self, day: date, page: str | None = None) -> list[Row]:
        """The published messages of a date, in sending order, of one page or of all."""
        return self.rows(
            "select * from schedule_recommendations_messages"
            " where right(schedule_id, 9) = ? and schedule_is_active"
            " and page_name = coalesce(?, page_name)"
            " order by page_name, scheduled_send_time, time_slot_rank",
            [f"_{day:%Y%m%d}", page],
        )

    def recommendation(self, page: str, day: date, slot: int) -> Row | None:
        """One slot of a page's day, with every component of the score."""
        found = self.rows(
            "select * from schedule_recommendations"
            " where page_name = ? and schedule_date = ? and time_slot_rank = ?",
            [page, day, slot],
        )
        return found[0] if found else None

    def day_plan(self, page: str) -> Row | None:
        """The newest row of creator_day_plan for a page."""
        found = self.rows(
            "select * from creator_day_plan where page_name = ? order by schedule_date desc limit 1",
            [page],
        )
        return found[0] if found else None

    def select_captions(
        self, page: str, segment: str, budget: int, mid: int, premium: int, bump: int
    ) -> list[Row]:
        """What the persistent table function select_captions_for_creator gives."""
        return self.rows(
            "select * from select_captions_for_creator(?, ?, ?, ?, ?, ?)",
            [page, segment, budget, mid, premium, bump],
        )


def close_job_run(database: Path, job_id: str, reason: str) -> None:
    """Close the row of a run that ended without its closing hook as FAILED, if there is one.

    Nothing is raised: where this fails, the next run closes the row.
    """
    import duckdb

    ended = now().replace(tzinfo=None)
    try:
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"use {SCHEMA}")
            connection.execute(
                "update etl_job_runs set job_status = 'FAILED', job_end_time = $ended,"
                " job_duration_seconds = epoch($ended - job_start_time), error_message = $reason"
                " where job_id = $job_id and job_status = 'RUNNING'",
                {"ended": ended, "reason": reason, "job_id": job_id},
            )
    except duckdb.Error:
        return


def plain(value: Any) -> Any:
    """`value` as JSON can carry it: times as ISO-8601 (UTC with a Z), dates as YYYY-MM-DD."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) else value
