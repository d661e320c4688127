"""`eros verify`."""

from dataclasses import asdict

import click

from eros_dbt_runner.commands import Database, database_options, json_option, print_json
from eros_dbt_runner.declarations.files import Declarations
from eros_dbt_runner.errors import CannotStartError, ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.verification import Deployment, view
from eros_dbt_runner.verification import verify as look
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.catalogue import Catalogue


@click.command()
@click.option("--limit", type=click.FloatRange(min=0, min_open=True, max=3600), default=20, show_default=True,
              metavar="SECONDS", help="How long 100,000 calls of a function may take.")  # fmt: skip
@database_options
@json_option
def verify(limit: float, database: Database, as_json: bool) -> ExitCode:
    """Check that the database holds what the project says, and that it works; nothing is changed.

    Tables, columns, partitions, functions and their values, holidays, dates around the clock changes,
    speed: each check is PASS or FAIL with what was found.
    """
    place = database.target
    declared = Declarations(database.project.directory, place.adapter)
    with database.read() as (tables, _zone):
        results = look(Deployment(place, declared, tables, _catalogue(tables), limit))
    failed = sum(result.verdict == "FAIL" for result in results)
    if as_json:
        counts = {"checks": len(results), "passed": len(results) - failed, "failed": failed}
        print_json({"target": place.name, **counts, "results": [asdict(result) for result in results]})
    else:
        view.show_verification(results)
    return ExitCode.CHECK_FAILED if failed else ExitCode.OK


def _catalogue(tables: Warehouse) -> Catalogue:
    """What the dataset holds; where not even that can be asked, there is nothing to verify."""
    try:
        return tables.catalogue()
    except ErosError as error:
        raise CannotStartError(str(error)) from None
