"""`eros run --dry-run`: what a run would hand to dbt, and what BigQuery would bill for it."""

from typing import Any

from eros_dbt_runner import clock
from eros_dbt_runner.errors import CannotStartError, ErosError
from eros_dbt_runner.runner import dbt_invocation
from eros_dbt_runner.runner.request import Request, arguments, enter, environment, present
from eros_dbt_runner.warehouse.connection import connect
from eros_dbt_runner.warehouse.lock import Deadline, tell_nobody

TIB = 2**40


def dry_run(request: Request) -> dict[str, Any]:
    """What `run` would hand to dbt and build; nothing runs, no lock is taken."""
    as_of = request.as_of or present(request)
    given = environment(request, as_of)
    enter(request, given)
    listing = [*arguments(request, "list"), "--output", "json", "--output-keys"]
    nodes, error = dbt_invocation.list_nodes([*listing, "name", "resource_type"])
    if error:
        raise CannotStartError(f"dbt could not list the nodes: {error}")
    kinds = sorted({node["resource_type"] for node in nodes})
    cost = {} if request.on_duckdb else {"cost": _cost(request)}
    return {
        **cost,
        "dry_run": True,
        "schedule": request.schedule.name,
        "as_of": clock.iso(as_of),
        "execution_date": clock.local_date(as_of, request.schedule.timezone).isoformat(),
        "arguments": ["dbt", *arguments(request)],
        "environment": {**given, "EROS_DUCKDB_PATH": str(request.project.database)},
        "inputs": request.inputs(),
        "nodes": {
            kind: sorted(node["name"] for node in nodes if node["resource_type"] == kind) for kind in kinds
        },
    }


def _cost(request: Request) -> dict[str, Any]:
    """What BigQuery's own dry run says that each query of the run would bill.

    The queries are those of models and tests. What a MERGE reads of its own table comes on top; a
    query over a table that is not there yet has an error instead of bytes.
    """
    compiled, error = dbt_invocation.compile_nodes(arguments(request, "compile"))
    if error:
        raise CannotStartError(f"dbt could not compile the queries: {error}")
    statements: list[dict[str, Any]] = []
    deadline = Deadline(request.wait)
    with connect(request.project, request.target, deadline, tell_nobody) as tables:
        for name, sql in compiled:
            try:
                statements.append({"name": name, "bytes": tables.bytes_billed(sql), "error": None})
            except ErosError as refused:
                statements.append({"name": name, "bytes": None, "error": str(refused)})
    total = sum(statement["bytes"] or 0 for statement in statements)
    price = request.project.usd_per_tib
    return {
        "statements": statements,
        "bytes": total,
        "usd_per_tib": price,
        "usd": round(total / TIB * price, 6),
    }
