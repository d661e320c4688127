"""`eros verify`: whether a database holds what the project says, and whether it works.

The eight categories are those of the suite that this replaces. Every check only reads, and what it
cannot read is its FAIL. checks.py says what a check is; each other module holds one kind of them.
"""

from eros_dbt_runner.verification import contents, functions, objects, procedures
from eros_dbt_runner.verification.checks import Check, Deployment, Result, look_at

__all__ = ["CHECKS", "Deployment", "Result", "verify"]

CHECKS: tuple[Check, ...] = (
    *objects.EXISTENCE,
    *functions.BEHAVIOUR,
    *objects.SCHEMAS,
    *objects.MESSAGES,
    *procedures.PROCEDURES,
    *contents.HOLIDAYS,
    *contents.TIME_ZONE,
    *functions.PERFORMANCE,
)


def verify(deployment: Deployment) -> list[Result]:
    """What every check found, in the order in which they are shown."""
    return [look_at(check, deployment) for check in CHECKS]
