"""The EROS tables on BigQuery, by Google's own client, which is imported only when one is wanted."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from datetime import date, datetime
from typing import Any

from eros_dbt_runner.errors import CannotStartError, RunFailedError, one_sentence
from eros_dbt_runner.warehouse.base import Object, Row, Warehouse, stopped
from eros_dbt_runner.warehouse.catalogue import Catalogue, Column, routine_kind

TIMEOUT_SECONDS = 300
# How long a listing is asked for again when the service does not answer.
RETRY_SECONDS = 30
REQUESTS_AT_ONCE = 8
# What the client calls them; to the emulator a clone is no TABLE.
KINDS = {
    "TABLE": "table",
    "CLONE": "table",
    "VIEW": "view",
    "SCALAR_FUNCTION": "function",
    "TABLE_VALUED_FUNCTION": "table function",
}
SCOPE = "https://www.googleapis.com/auth/bigquery"
NO_RETRY: Any = None  # what the client documents, and leaves out of its types


class BigQueryWarehouse(Warehouse):
    """A client for the dataset of a target; `settings` are the target's, as profiles.yml has them."""

    is_shared = True

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Make the client; nothing is asked of BigQuery yet.

        Raises ErosError (CANNOT_START) when the client is not installed, there are no credentials, or the
        project or the dataset has no possible name.
        """
        try:
            from google.cloud import bigquery
        except ImportError:
            raise CannotStartError(
                "The BigQuery client is not installed; `pip install '.[bigquery]'` in the checkout brings it."
            ) from None
        _check_names(str(settings["project"]), str(settings["schema"]))
        self.dataset = f"{settings['project']}.{settings['schema']}"
        self._bigquery = bigquery
        endpoint = settings.get("api_endpoint")
        self.client = bigquery.Client(
            project=settings["project"],
            credentials=_credentials(settings),
            location=settings.get("location"),
            client_options={"api_endpoint": endpoint} if endpoint else None,
            default_query_job_config=bigquery.QueryJobConfig(
                default_dataset=self.dataset,
                maximum_bytes_billed=settings.get("maximum_bytes_billed"),
            ),
        )

    def close(self) -> None:
        """Let go of the connections."""
        self.client.close()

    def function(self, name: str) -> str:
        """How SQL calls a function of the project."""
        return f"`{self.dataset}.{name}`"

    def catalogue(self) -> Catalogue:
        """As in Warehouse."""
        relations: dict[str, tuple[Column, ...]] = {}
        for row in self.rows(
            "select table_name, column_name, data_type, is_partitioning_column,"  # noqa: S608
            " clustering_ordinal_position"
            f" from `{self.dataset}`.INFORMATION_SCHEMA.COLUMNS order by table_name, ordinal_position"
        ):
            column = Column(
                row["column_name"],
                row["data_type"],
                row["is_partitioning_column"] == "YES",
                row["clustering_ordinal_position"],
            )
            relations[row["table_name"]] = (*relations.get(row["table_name"], ()), column)
        routines = self.rows(
            f"select routine_name, routine_type from `{self.dataset}`.INFORMATION_SCHEMA.ROUTINES"  # noqa: S608
        )
        options = self.rows(
            f"select table_name, option_value from `{self.dataset}`.INFORMATION_SCHEMA.TABLE_OPTIONS"  # noqa: S608
            " where option_name = 'partition_expiration_days'"
        )
        return Catalogue(
            relations,
            {row["routine_name"]: routine_kind(row["routine_type"]) for row in routines},
            has_partitions=True,
            expiration_days={row["table_name"]: float(row["option_value"]) for row in options},
        )

    def check(self, sql: str) -> None:
        """As in Warehouse; BigQuery's dry run bills nothing."""
        self.bytes_billed(sql)

    def rows(
        self,
        sql: str,
        parameters: Sequence[Any] = (),
        made_by: str = "daily",
        stop_after: float | None = None,
    ) -> list[Row]:
        """As in Warehouse."""
        from google.api_core.exceptions import GoogleAPIError, NotFound
        from google.auth.exceptions import GoogleAuthError
        from requests.exceptions import RequestException

        seconds = stop_after or TIMEOUT_SECONDS
        config = self._bigquery.QueryJobConfig(
            query_parameters=[
                self._bigquery.ScalarQueryParameter(None, _type(value), value) for value in parameters
            ]
        )
        if stop_after:
            config.job_timeout_ms = int(stop_after * 1000)
        try:
            job = self.client.query(sql, job_config=config, retry=NO_RETRY, job_retry=None)
            return [dict(row.items()) for row in job.result(timeout=seconds)]
        except TookTooLong:
            raise stopped(seconds) from None
        except (GoogleAuthError, RequestException) as error:
            raise CannotStartError(f"BigQuery cannot be reached: {one_sentence(str(error))}") from None
        except NotFound as error:
            raise CannotStartError(
                f"{self.dataset} is not complete ({one_sentence(error.message)}); run"
                f" `eros run {made_by}` first."
            ) from None
        except GoogleAPIError as error:
            raise RunFailedError(f"The query failed: {one_sentence(str(error))}") from None

    def table(self, name: str) -> str:
        """How SQL names a table of the dataset."""
        return f"`{self.dataset}.{name}`"

    def quoted(self, column: str) -> str:
        """As in Warehouse."""
        return f"`{column}`"

    def objects(self) -> set[Object]:
        """As in Warehouse; a kind that the project has none of, such as a snapshot, stays itself."""
        named = [(item.table_id, item.table_type) for item in self.listed()]
        named += [(routine.routine_id, routine.type_) for routine in self._routines()]
        return {(name, KINDS.get(kind, kind.lower())) for name, kind in named}

    def definitions(self) -> list[Row]:
        """As in Warehouse: of this dataset. One request for each, several at once."""
        views = [item.reference for item in self.listed() if item.table_type == "VIEW"]
        routines = [routine.reference for routine in self._routines()]
        with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
            found = [
                {"name": view.table_id, "kind": "view", "sql": view.view_query}
                for view in pool.map(self.client.get_table, views)
            ]
            found += [
                {"name": r.routine_id, "kind": KINDS.get(r.type_, r.type_.lower()), "sql": r.body}
                for r in pool.map(self.client.get_routine, routines)
            ]
        return found

    def listed(self) -> list[Any]:
        """The dataset's tables, views and snapshots, as the client lists them: with their labels.

        Raises ErosError (CANNOT_START) when the dataset cannot be listed.
        """
        return self._all_of(self.client.list_tables)

    def _routines(self) -> list[Any]:
        return self._all_of(self.client.list_routines)

    def _all_of(self, listing: Callable[..., Iterable[Any]]) -> list[Any]:
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.cloud.bigquery import DEFAULT_RETRY
        from requests.exceptions import RequestException

        retry = DEFAULT_RETRY.with_timeout(RETRY_SECONDS)
        try:
            return list(listing(self.dataset, timeout=TIMEOUT_SECONDS, retry=retry))
        except (GoogleAPIError, GoogleAuthError, RequestException) as error:
            raise CannotStartError(f"{self.dataset} cannot be listed: {one_sentence(str(error))}") from None

    def drop(self, objects: Iterable[Object]) -> None:
        """As in Warehouse, one after the other: dropped again, what is gone already is no fault."""
        for name, kind in objects:
            self.rows(f"drop {kind} if exists {self.table(name)}")

    def bytes_billed(self, sql: str) -> int:
        """The bytes that BigQuery's own dry run says a statement would bill.

        Raises ErosError (RUN_FAILED) for a statement that BigQuery refuses.
        """
        from google.api_core.exceptions import GoogleAPIError

        config = self._bigquery.QueryJobConfig(dry_run=True, use_query_cache=False)
        try:
            return int(self.client.query(sql, job_config=config, retry=NO_RETRY).total_bytes_processed or 0)
        except GoogleAPIError as error:
            raise RunFailedError(one_sentence(str(error))) from None


def _check_names(project: str, dataset: str) -> None:
    """Both stand in SQL; raises ErosError (CANNOT_START) for what no project or dataset is called."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9:.-]*", project):
        raise CannotStartError(
            f"The project of a BigQuery target must be an id such as my-project, not {project!r}."
        )
    if not re.fullmatch(r"[A-Za-z0-9_]{1,1024}", dataset):
        raise CannotStartError(
            f"The dataset of a BigQuery target must be letters, digits and _, not {dataset!r}."
        )


def _credentials(settings: Mapping[str, Any]) -> Any:
    """What the target's `method` says, impersonating if it says so too."""
    import google.auth
    from google.auth import impersonated_credentials
    from google.oauth2 import credentials, service_account

    method = settings.get("method")
    try:
        if method == "service-account":
            own = service_account.Credentials.from_service_account_file(settings["keyfile"], scopes=[SCOPE])
        elif method == "oauth-secrets":
            own = credentials.Credentials(token=settings["token"])
        else:
            own, _ = google.auth.default(scopes=[SCOPE])
    except (google.auth.exceptions.GoogleAuthError, OSError, ValueError) as error:
        raise CannotStartError(
            f"There are no usable Google credentials: {one_sentence(str(error))}"
        ) from None
    impersonated = settings.get("impersonate_service_account")
    if not impersonated:
        return own
    return impersonated_credentials.Credentials(own, target_principal=impersonated, target_scopes=[SCOPE])


def _type(value: Any) -> str:
    """The type of a query parameter; None is a STRING, the one kind that is optional here."""
    for python_type, name in (
        (bool, "BOOL"), (int, "INT64"), (float, "FLOAT64"), (datetime, "TIMESTAMP"), (date, "DATE"),
    ):  # fmt: skip
        if isinstance(value, python_type):
            return name
    return "STRING"
