"""The check: what the scorecard finds becomes a row, and every row reaches somebody once.

The rules (what is due, what waits, what is a repetition) are the views health_checks and alert_queue.
Here is what SQL cannot do: send. A channel that fails is noted in alert_deliveries and asked again at
the next check.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from eros_dbt_runner.alerts import statements
from eros_dbt_runner.alerts.channels import Attempt, Unusable, channels, deliver
from eros_dbt_runner.operations import health
from eros_dbt_runner.project import Project, Target
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.lock import Deadline, hold
from eros_dbt_runner.writing import connect_between_runs


@dataclass(frozen=True)
class Checked:
    """What a check did: alerts raised and closed, by source, what was sent, and settings that are wrong."""

    raised: tuple[str, ...] = ()
    recovered: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    wrong_settings: tuple[str, ...] = ()


def check(project: Project, target: Target, wait: float, on_wait: Callable[[str], None]) -> Checked:
    """Raise what is due, close what recovered, and deliver what waits on the configured channels.

    The database is not held while anything is sent; two checks on one machine take turns, so that no
    alert is sent twice. `wait` is in seconds. Raises ErosError: BUSY, CANNOT_START.
    """
    known = channels()

    def opened() -> AbstractContextManager[Warehouse]:
        return connect_between_runs(project, target, "alerts check", Deadline(wait), on_wait)

    with hold(project.runs_dir / "alerts.lock", "alerts check", Deadline(wait), on_wait):
        with opened() as tables:
            checks, still_open = health(tables), statements.open_sources(tables)
            passing = {check["check_name"] for check in checks if check["check_status"] == "PASS"}
            recovered = sorted(still_open & passing)
            statements.close(tables, recovered)
            raised = statements.raise_due(tables, checks)
            # Every look at the views costs money on BigQuery; mostly nothing is open.
            queue = statements.queue(tables) if known and (raised or still_open - passing) else []
        attempts = [attempt for channel in known for attempt in deliver(channel, queue)]
        if attempts:
            with opened() as tables:
                statements.log_deliveries(tables, attempts)
    wrong = tuple(channel.why for channel in known if isinstance(channel, Unusable))
    return Checked(tuple(raised), tuple(recovered), tuple(attempts), wrong)
