"""The verdicts of `eros verify` as a table."""

from collections.abc import Sequence

from rich.text import Text

from eros_dbt_runner.display import stdout, table_of
from eros_dbt_runner.verification.checks import Result


def show_verification(results: Sequence[Result]) -> None:
    """The checks of `eros verify` by category, and how many passed."""
    table = table_of("What the database should be", "category", "check", "verdict", "found", fold=True)
    for category in dict.fromkeys(result.category for result in results):
        table.add_section()
        for number, result in enumerate(found for found in results if found.category == category):
            table.add_row(
                "" if number else category,
                result.name,
                Text(result.verdict, style="green" if result.verdict == "PASS" else "bold red"),
                Text(result.found),
            )
    failed = sum(result.verdict == "FAIL" for result in results)
    console = stdout()
    console.print(table)
    console.print(f"{len(results)} checks: {len(results) - failed} PASS, {failed} FAIL")
