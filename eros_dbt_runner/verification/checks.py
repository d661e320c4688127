"""What a check is, what it looks at, and how its verdict comes about."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from eros_dbt_runner.declarations.files import Declarations
from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.project import Target
from eros_dbt_runner.warehouse.base import Warehouse
from eros_dbt_runner.warehouse.catalogue import Catalogue

NAMED_PROBLEMS = 5


@dataclass(frozen=True)
class Deployment:
    """A database beside the project that should have made it.

    A check of performance passes if its query takes no more than `limit` seconds.
    """

    target: Target
    declared: Declarations
    tables: Warehouse
    catalogue: Catalogue
    limit: float

    def ask(self, test: str) -> Mapping[str, Any]:
        """The one row of counts that a dbt test of the tag `verify` gives; read, and nothing else done."""
        [row] = self.tables.rows(self.declared.test_sql(test))
        return row


@dataclass(frozen=True)
class Finding:
    """What a check saw: a sentence for the case that all is well, and everything that is not."""

    found: str
    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: str, problems: Iterable[str]) -> "Finding":
        """A finding from any iterable of problems."""
        return cls(found, tuple(problems))


@dataclass(frozen=True)
class Check:
    """One check. `look` returns its finding or raises ErosError for what cannot be read."""

    category: str
    name: str
    look: Callable[[Deployment], Finding]


@dataclass(frozen=True)
class Result:
    """The verdict of a check: PASS or FAIL, and what was found."""

    category: str
    name: str
    verdict: str
    found: str


def look_at(check: Check, deployment: Deployment) -> Result:
    """The verdict of one check; a database that refuses to answer is a FAIL and stops nothing."""
    try:
        finding = check.look(deployment)
    except ErosError as error:
        return Result(check.category, check.name, "FAIL", str(error))
    if finding.problems:
        return Result(check.category, check.name, "FAIL", _listed(finding.problems))
    return Result(check.category, check.name, "PASS", finding.found)


def _listed(problems: tuple[str, ...]) -> str:
    more = len(problems) - NAMED_PROBLEMS
    return "; ".join(problems[:NAMED_PROBLEMS]) + (f"; and {more} more" if more > 0 else "")
