"""Reads the EROS tables, on either engine, for the commands that show them.

Values from people reach SQL only as bound parameters, written `?`. Times come back as aware UTC
datetimes. SQL here is what both engines take.
"""

import getpass
import os
import shutil
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from eros_dbt_runner.catalogue import Catalogue, Column, routine_kind, standard_type
from eros_dbt_runner.clock import now
from eros_dbt_runner.errors import ErosError, one_sentence
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.lock import Deadline, TornError, connect_when_free, is_torn_error, tell_nobody
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.verdict import Evidence

if TYPE_CHECKING:
    import duckdb

    from eros_dbt_runner.alerts import Attempt

SCHEMA = "eros_scheduling_brain"
Row = dict[str, Any]
# A thing of the schema: its name, and its kind as in owned_objects.py.
Object = tuple[str, str]
COPY_BYTES = 2**20
# Nothing is wrong with a message that is not due yet.
REJECTED = (
    "select source_name, rejection_reason, row_count, example_row_key, example_row from rejection_reasons"
    " where source_name = coalesce(?, source_name) and rejection_reason != 'sending_time is in the future'"
    " order by is_fault desc, row_count desc, source_name, rejection_reason"
)
LEFT_OUT = (
    "select reason, cast(sum(left_out_count) as int64) as messages, count(*) as pages"
    " from schedule_shortfalls where schedule_date = ? group by reason order by messages desc, reason"
)
# DuckDB's write-ahead logs: what is not in the file yet, also while and after a checkpoint.
LOGS = (".wal", ".wal.checkpoint", ".wal.recovery")


def has_loaded_inputs(database: Path) -> bool:
    """Whether somebody loaded the inputs into a DuckDB file as tables; False where it cannot be seen."""
    import duckdb

    if not database.exists():
        return False
    try:
        with duckdb.connect(str(database), read_only=True) as connection, _without_pandas():
            query = "select 1 from duckdb_tables() where table_name = 'mass_messages' and schema_name = ?"
            return connection.execute(query, [SCHEMA]).fetchone() is not None
    except duckdb.Error:
        return False


def connect(
    project: Project,
    target: Target,
    deadline: Deadline,
    on_wait: Callable[[str], None],
    *,
    read_only: bool = True,
) -> "Warehouse":
    """The tables of `target`; use as a context manager, and on DuckDB briefly: it keeps runs waiting.

    Raises ErosError: CANNOT_START when there is no database or it cannot be reached, BUSY when
    another program holds the file until the deadline.
    """
    if target.adapter == "bigquery":
        from eros_dbt_runner.bigquery import BigQueryWarehouse

        return BigQueryWarehouse(target.settings())
    return DuckDbWarehouse(project.database, deadline, on_wait, read_only=read_only)


AnyWarehouse = TypeVar("AnyWarehouse", bound="Warehouse")


class Warehouse(ABC):
    """The tables of one dataset."""

    def __enter__(self: AnyWarehouse) -> AnyWarehouse:
        """Nothing to do: the constructor has connected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the database."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the database."""

    @abstractmethod
    def rows(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        made_by: str = "daily",
        stop_after: float | None = None,
    ) -> list[Row]:
        """The result of a statement, one dict per row.

        Raises ErosError (CANNOT_START) that names the schedule `made_by` when a table or a function
        is not there yet, RUN_FAILED when the engine refuses or `stop_after` seconds have passed.
        """

    @abstractmethod
    def catalogue(self) -> Catalogue:
        """What the dataset holds; raises ErosError (CANNOT_START) when there is no dataset to ask."""

    @abstractmethod
    def check(self, sql: str) -> None:
        """Have a query planned and not run; raises ErosError as `rows` does if that cannot be."""

    def function(self, name: str) -> str:
        """How SQL calls a function of the project."""
        return name

    def bytes_billed(self, _sql: str) -> int:
        """The bytes that a statement would bill: none, where nobody bills."""
        return 0

    # ---- what there is ----

    @abstractmethod
    def objects(self) -> set[Object]:
        """Every table, view and function of the schema, whoever made it."""

    @abstractmethod
    def definitions(self) -> list[Row]:
        """The name, kind and SQL of every view and function that may read the schema's tables."""

    @abstractmethod
    def drop(self, objects: Iterable[Object]) -> None:
        """Drop these objects; on DuckDB all or none. Names must be of ours.

        Raises ErosError (RUN_FAILED) when the engine refuses.
        """

    def runs_elsewhere(self) -> list[Row]:
        """Runs in progress that the lock of this machine does not know of."""
        return []

    def row_counts(self, tables: Iterable[str]) -> dict[str, int]:
        """The number of rows of each table."""
        counts = " union all ".join(
            f"select '{name}' as name, count(*) as n from {self.table(name)}"  # noqa: S608 - of ours
            for name in sorted(tables)
        )
        return {row["name"]: row["n"] for row in self.rows(counts)} if counts else {}

    def table(self, name: str) -> str:
        """How SQL names a table of the schema."""
        return f"{SCHEMA}.{name}"

    def _rows_if_there(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """As `rows`, but nothing where the tables are missing: a first run that failed early."""
        try:
            return self.rows(sql, parameters)
        except ErosError:
            return []

    def fail_job_run(
        self,
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
        found = self._rows_if_there("select job_status from etl_job_runs where job_id = ?", [job_id])
        if not found:
            self._rows_if_there(
                "insert into etl_job_runs (job_id, job_name, job_start_time, job_end_time, job_status,"
                " execution_date, error_message, job_duration_seconds)"
                " values (?, ?, ?, ?, 'FAILED', ?, ?, ?)",
                [job_id, job_name, began, ended, execution_date, reason, (ended - began).total_seconds()],
            )
        elif overrule or found[0]["job_status"] == "RUNNING":
            self._rows_if_there(
                "update etl_job_runs set job_status = 'FAILED', job_end_time = ?,"
                " job_duration_seconds = ?, error_message = ? where job_id = ? and job_status = ?",
                [ended, (ended - began).total_seconds(), reason, job_id, found[0]["job_status"]],
            )
        else:
            return str(found[0]["job_status"])
        # The id that macros/hooks/job_run.sql gives the alert of a run: nobody raises a second one.
        alert_id = sha256(f"{job_id}|job_run".encode()).hexdigest()
        if not self._rows_if_there("select alert_id from automation_alerts where alert_id = ?", [alert_id]):
            self._insert_alert(alert_id, ended, "CRITICAL", "job_run", f"{job_name} failed: {reason}", job_id)
        return "FAILED"

    def _insert_alert(
        self, alert_id: str, moment: datetime, level: str, source: str, message: str, job_id: str | None
    ) -> None:
        self._rows_if_there(
            "insert into automation_alerts (alert_id, alert_time, alert_level, alert_source, alert_message,"
            " job_id, acknowledged) values (?, ?, ?, ?, ?, ?, false)",
            [alert_id, moment, level, source, message, job_id],
        )

    # ---- health and alerts ----

    def health(self) -> list[Row]:
        """The scorecard as it is now, the worst first."""
        return self.rows(
            "select * from health_checks order by case check_status"
            " when 'FAIL' then 1 when 'WARN' then 2 else 3 end, check_name",
            made_by="performance",
        )

    def raise_due_alerts(self, checks: Sequence[Row]) -> list[str]:
        """Insert the alerts that the rows of health_checks say are due; gives their sources."""
        due = [check for check in checks if check["alert_due"]]
        for check in due:
            self.raise_alert(check["alert_due"], check["check_name"], check["message"])
        return [check["check_name"] for check in due]

    def raise_alert(self, level: str, source: str, message: str) -> None:
        """Insert an alert that belongs to no run; nothing happens where its table is not there yet."""
        moment = now()
        key = sha256(f"{source}|{level}|{moment.isoformat()}".encode()).hexdigest()
        self._insert_alert(key, moment, level, source, message, None)

    def open_alert_sources(self) -> set[str]:
        """The sources of the alerts that nobody has taken."""
        return {
            row["alert_source"]
            for row in self.rows(
                "select distinct alert_source from automation_alerts where not coalesce(acknowledged, false)"
            )
        }

    def close_alerts(self, sources: Iterable[str]) -> None:
        """Close the open alerts of checks that pass again."""
        for source in sources:
            self.rows(
                "update automation_alerts set acknowledged = true, acknowledged_at = ?,"
                " acknowledged_by = 'recovered' where alert_source = ? and not coalesce(acknowledged, false)",
                [now(), source],
            )

    def alert_queue(self) -> list[Row]:
        """The alerts that wait for delivery, a row per channel, the gravest and oldest first."""
        return self.rows("select * from alert_queue order by alert_level, alert_time, alert_id, channel")

    def log_deliveries(self, attempts: "Sequence[Attempt]") -> None:
        """One row of alert_deliveries for each attempt."""
        for attempt in attempts:
            self.rows(
                "insert into alert_deliveries (alert_id, channel, attempted_at, is_delivered, error_message)"
                " values (?, ?, ?, ?, ?)",
                [attempt.alert_id, attempt.channel, attempt.attempted_at, attempt.is_delivered,
                 attempt.error],
            )  # fmt: skip

    def alerts(self, limit: int, *, taken_too: bool) -> list[Row]:
        """Alerts with who mends them and how; the open ones, or the newest of all."""
        rows = self.rows(
            "select alerts.*, checks.owner, checks.next_step from automation_alerts as alerts"
            " left join health_checks as checks on alerts.alert_source = checks.check_name"
            " where ? or not coalesce(alerts.acknowledged, false)"
            " order by alerts.alert_time desc, alerts.alert_id",
            [taken_too],
            made_by="performance",
        )
        return rows[:limit]

    def take_alert(self, alert_id: str, who: str) -> None:
        """Note that `who` takes an alert."""
        self.rows(
            "update automation_alerts set acknowledged = true, acknowledged_at = ?, acknowledged_by = ?"
            " where alert_id = ? and not coalesce(acknowledged, false)",
            [now(), who, alert_id],
        )

    def alerts_like(self, prefix: str) -> list[Row]:
        """The alerts whose id begins with `prefix`."""
        return self.rows("select * from automation_alerts where starts_with(alert_id, ?)", [prefix])

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
        counts = []
        if "input_reconciliation" in built:
            counts = self._rows_if_there(
                "select source_name, rows_rejected - rows_not_due as rejected, rows_kept as kept"
                " from input_reconciliation order by source_name"
            )
        learning = []
        if "learning_coverage" in built:
            learning = self._rows_if_there(
                "select eligible_messages, matched_messages, outcomes from learning_coverage"
            )
        rejected_rows = {row["source_name"]: row["rejected"] for row in counts if row["rejected"]}
        stops = []
        if "publication_stops" in built:
            stops = self._rows_if_there(
                "select stop_name, reason, next_step from publication_stops order by stop_name, reason"
            )
        notes = []
        if "message_outcomes" in built:
            notes = self._rows_if_there(
                "select value from project_state"
                " where fact = 'texts_keyed_again' and value != '' and job_id = ?",
                [job_id],
            )
        left_out = self._rows_if_there(LEFT_OUT, [execution_date]) if "schedule_shortfalls" in built else []
        return Evidence(
            job_run=job[0] if job else None,
            creator_errors=errors,
            messages_scheduled=messages,
            messages_kept=sum(row["kept"] for row in counts),
            learning=learning[0] if learning else None,
            messages_left_out=left_out,
            rejected_rows=rejected_rows,
            rejection_reasons=self._rows_if_there(REJECTED, [None]) if rejected_rows else [],
            findings=self.findings(job_id),
            stops=stops,
            notes=[row["value"] for row in notes],
        )

    def findings(self, job_id: str | None) -> dict[str, str]:
        """What was wrong in a run, in words, by the name of the test or model that found it."""
        rows = self._rows_if_there("select node_name, message from run_findings where job_id = ?", [job_id])
        return {row["node_name"]: row["message"] for row in rows}

    def rejected(self, table: str | None) -> list[Row]:
        """Why rows of one input or of all cannot be used: what has to be mended first, by how often it is."""
        return self.rows(REJECTED, [table], made_by="performance")

    # ---- the run log ----

    def job_runs(self, limit: int, job_name: str | None = None) -> list[Row]:
        """The newest rows of etl_job_runs, of one job or of all."""
        rows = self.rows(
            "select * from etl_job_runs where job_name = coalesce(?, job_name)"
            " order by job_start_time desc, job_id",
            [job_name],
        )
        return rows[:limit]

    def job_runs_like(self, prefix: str) -> list[Row]:
        """The rows of etl_job_runs whose job_id begins with `prefix`."""
        return self.rows("select * from etl_job_runs where starts_with(job_id, ?)", [prefix])

    # ---- the schedule ----

    def newest_day(self) -> date | None:
        """The last date that has a published schedule."""
        day: date | None = self.rows("select max(schedule_date) as day from schedule_recommendations")[0][
            "day"
        ]
        return day

    def day(self, day: date, page: str | None = None) -> list[Row]:
        """The published messages of a date, in sending order, of one page or of all."""
        return self.rows(
            "select * from schedule_recommendations_messages"
            " where right(schedule_id, 9) = ? and schedule_is_active"
            " and page_name = coalesce(?, page_name)"
            " order by page_name, scheduled_send_time, time_slot_rank",
            [f"_{day:%Y%m%d}", page],
        )

    def shortfalls(self, day: date, page: str | None = None) -> list[Row]:
        """Who has fewer messages on a planned date than the plan asks, and why."""
        return self._rows_if_there(
            "select * from schedule_shortfalls where schedule_date = ? and page_name = coalesce(?, page_name)"
            " order by page_name",
            [day, page],
        )

    def schedule(self, schedule_id: str) -> list[Row]:
        """The published messages of one schedule, in sending order."""
        return self.rows(
            "select * from schedule_recommendations_messages"
            " where schedule_id = ? and schedule_is_active"
            " order by scheduled_send_time, time_slot_rank",
            [schedule_id],
        )

    def log_export(
        self,
        schedules: Sequence[tuple[str | None, str | None, int]],
        export_format: str,
        seconds: float,
        error: str | None,
    ) -> None:
        """One row of schedule_export_log for each (schedule_id, page_name, message_count)."""
        for schedule_id, page, count in schedules:
            self.rows(
                "insert into schedule_export_log (schedule_id, page_name, export_timestamp, message_count,"
                " execution_time_seconds, status, error_message, export_format, exported_by)"
                " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [schedule_id, page, now(), count, seconds, "FAILED" if error else "SUCCESS", error,
                 export_format, user_name()],
            )  # fmt: skip

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

    def failure_reason(self, page: str) -> str | None:
        """Why the newest check of creators leaves a page out; None if it does not."""
        found = self._rows_if_there(
            "select failure_reason from creator_checks where page_name = ? and check_status = 'failed'",
            [page],
        )
        return found[0]["failure_reason"] if found else None

    def select_captions(
        self, page: str, segment: str, budget: int, mid: int, premium: int, bump: int
    ) -> list[Row]:
        """What the persistent table function select_captions_for_creator gives."""
        function = self.function("select_captions_for_creator")
        return self.rows(
            f"select * from {function}(?, ?, ?, ?, ?, ?)",  # noqa: S608 - a name of ours
            [page, segment, budget, mid, premium, bump],
        )


class DuckDbWarehouse(Warehouse):
    """A connection to the DuckDB file."""

    def __init__(
        self,
        database: Path,
        deadline: Deadline,
        on_wait: Callable[[str], None],
        *,
        read_only: bool = True,
        connection: "duckdb.DuckDBPyConnection | None" = None,
    ) -> None:
        """Open the file as soon as no run is writing it; raises as `connect` does.

        A `connection` that is given is used instead, and closed in the end.
        """
        if not database.exists():
            raise ErosError(
                f"There is no database at {database} yet; `eros run performance` and then"
                " `eros run daily` make it.",
                ExitCode.CANNOT_START,
            )
        self._path = database
        self._kept_open: list[int] = []
        self._connection = connection or connect_when_free(database, deadline, on_wait, read_only=read_only)
        self._connection.execute("set enable_progress_bar = false")  # it would stand in what we print
        if self._has_schema():
            self._connection.execute(f"use {SCHEMA}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
        for descriptor in self._kept_open:
            os.close(descriptor)

    def _has_schema(self) -> bool:
        sql = (
            f"select 1 from duckdb_schemas() where schema_name = '{SCHEMA}'"  # noqa: S608
            " and database_name = current_database()"
        )
        return self._connection.execute(sql).fetchone() is not None

    def catalogue(self) -> Catalogue:
        """As in Warehouse."""
        here = "database_name = current_database() and schema_name = ?"
        relations: dict[str, tuple[Column, ...]] = {}
        for row in self.rows(
            f"select table_name, column_name, data_type from duckdb_columns() where {here}"  # noqa: S608
            " order by table_name, column_index",
            [SCHEMA],
        ):
            column = Column(row["column_name"], standard_type(row["data_type"]))
            relations[row["table_name"]] = (*relations.get(row["table_name"], ()), column)
        routines = self.rows(
            f"select function_name, function_type from duckdb_functions() where {here}",  # noqa: S608
            [SCHEMA],
        )
        kinds = {row["function_name"]: routine_kind(row["function_type"]) for row in routines}
        return Catalogue(relations, kinds, has_partitions=False)

    def check(self, sql: str) -> None:
        """As in Warehouse."""
        self.rows(f"explain {sql}")

    def rows(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        made_by: str = "daily",
        stop_after: float | None = None,
    ) -> list[Row]:
        """As in Warehouse."""
        import duckdb

        try:
            with self._interrupted_after(stop_after), _without_pandas():
                cursor = self._connection.execute(sql, list(map(_naive, parameters)))
        except duckdb.CatalogException as error:
            what = one_sentence(str(error).splitlines()[0])
            raise ErosError(
                f"{self._path} is not complete ({what}); run `eros run {made_by}` first.",
                ExitCode.CANNOT_START,
            ) from None
        except duckdb.InterruptException:
            raise stopped(stop_after) from None
        except duckdb.Error as error:
            if is_torn_error(str(error)):
                raise TornError(self._path, str(error)) from None
            message = one_sentence(str(error))
            raise ErosError(f"The query failed: {message}", ExitCode.RUN_FAILED) from None
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, map(_aware, row), strict=True)) for row in cursor.fetchall()]

    @contextmanager
    def _interrupted_after(self, seconds: float | None) -> Iterator[None]:
        """Stop the statement that runs in the block when `seconds` have passed; None: never."""
        if seconds is None:
            yield
            return
        timer = threading.Timer(seconds, self._connection.interrupt)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def objects(self) -> set[Object]:
        """As in Warehouse."""
        found = self.rows(
            "select table_name as name, 'table' as kind from duckdb_tables()"
            " where database_name = current_database() and schema_name = ?"
            " union all select view_name, 'view' from duckdb_views()"
            " where database_name = current_database() and schema_name = ?"
            " union all select function_name, if(function_type = 'macro', 'function', 'table function')"
            " from duckdb_functions() where function_type in ('macro', 'table_macro')"
            " and database_name = current_database() and schema_name = ?",
            [SCHEMA] * 3,
        )
        return {(row["name"], row["kind"]) for row in found}

    def definitions(self) -> list[Row]:
        """As in Warehouse: of every schema, what is not in ours with its schema's name."""
        return self.rows(
            "select if(schema_name = ?, name, schema_name || '.' || name) as name, kind, sql from ("
            "select schema_name, view_name as name, 'view' as kind, sql from duckdb_views()"
            " where not internal and database_name = current_database()"
            " union all select schema_name, function_name,"
            " if(function_type = 'macro', 'function', 'table function'), macro_definition"
            " from duckdb_functions() where function_type in ('macro', 'table_macro')"
            " and not internal and database_name = current_database()) as found",
            [SCHEMA],
        )

    def drop(self, objects: Iterable[Object]) -> None:
        """As in Warehouse, in one transaction."""
        with self._transaction():
            self._drop(objects)

    def _drop(self, objects: Iterable[Object]) -> None:
        words = {"function": "macro", "table function": "macro table"}
        for name, kind in objects:
            self.rows(f"drop {words.get(kind, kind)} {SCHEMA}.{name}")

    def copy_file(self, to: Path) -> None:
        """Write the database to the one file `to`, as it stands, while nobody else can change it.

        The original is only read. Raises OSError when `to` cannot be written.
        """
        self.copy_with_log(to)
        with DuckDbWarehouse(to, Deadline(0), tell_nobody, read_only=False) as copied:
            copied.rows("checkpoint")

    def copy_with_log(self, to: Path) -> None:
        """As copy_file, but what stands in the log stands in a log beside the copy."""
        for ending in ("", *LOGS):
            source = self._path.with_name(self._path.name + ending)
            if source.exists():
                self._copy(source, to.with_name(to.name + ending))

    def _copy(self, source: Path, to: Path) -> None:
        # Closing any descriptor of a file takes this process's POSIX locks off it, DuckDB's included:
        # this one has to outlive the connection.
        descriptor = os.open(source, os.O_RDONLY)
        self._kept_open.append(descriptor)
        with open(descriptor, "rb", closefd=False) as original, to.open("wb") as copy:
            shutil.copyfileobj(original, copy, COPY_BYTES)
            copy.flush()
            os.fsync(copy.fileno())

    def read_all(self) -> None:
        """Read every value of every table, and with that each block's checksum; raises TornError."""
        for row in self.rows(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ):
            schema, table = (row[name].replace('"', '""') for name in ("schema_name", "table_name"))
            self.rows(f'select bit_xor(hash(t)) as hashes from "{schema}"."{table}" as t')  # noqa: S608

    def take_tables(self, file: Path, rows: Mapping[str, int], instead_of: Iterable[Object]) -> None:
        """Put the tables named in `rows` in from the database `file`, `instead_of` what goes.

        All of it happens or nothing, however this process ends. Raises ErosError (RUN_FAILED) when
        the engine refuses, or when a table does not have its number of rows in the end.
        """
        self.rows(f"attach {_literal(str(file))} as eros_copy (read_only)")
        try:
            creations = self.rows(
                "select table_name, sql from duckdb_tables()"
                " where database_name = 'eros_copy' and schema_name = ?",
                [SCHEMA],
            )
            with self._transaction():
                self.rows(f"create schema if not exists {SCHEMA}")
                self._drop(instead_of)
                for name, sql in ((row["table_name"], row["sql"]) for row in creations):
                    if name in rows:
                        self.rows(sql)
                        self.rows(f"insert into {SCHEMA}.{name} from eros_copy.{SCHEMA}.{name}")
                if self.row_counts(rows) != dict(rows):
                    raise ErosError(f"{file} does not hold the rows that it should.", ExitCode.RUN_FAILED)
        finally:
            self._rows_if_there("detach eros_copy")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.rows("begin")
        try:
            yield
            self.rows("commit")
        except BaseException:
            self._rows_if_there("rollback")
            raise


@contextmanager
def _without_pandas() -> Iterator[None]:
    """Keep DuckDB's client from importing pandas, just to see whether a parameter is one of its values.

    That would be a quarter of a second, half of what a command takes that only reads.
    """
    if "pandas" in sys.modules:
        yield
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["pandas"]


def user_name() -> str:
    """Who runs this process; a container may have no name for its user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return f"user {os.getuid()}"


def stopped(seconds: float | None) -> ErosError:
    """The error of a statement that took longer than `seconds`."""
    return ErosError(f"The query was stopped after {seconds or 0:g} s.", ExitCode.RUN_FAILED)


def _literal(text: str) -> str:
    """`text` as SQL writes it, for the one statement that takes no parameter."""
    return "'" + text.replace("'", "''") + "'"


def _naive(value: Any) -> Any:
    """A moment as DuckDB's TIMESTAMP holds it: UTC without a zone."""
    return value.astimezone(timezone.utc).replace(tzinfo=None) if isinstance(value, datetime) else value


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
