"""Which views and functions read what is about to be dropped.

Neither engine refuses to drop a table that a view or a function reads: that one fails when somebody
uses it, until the table is there again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def dependants(definitions: Sequence[Row], dropped: set[tuple[str, str]]) -> list[dict[str, Any]]:
    """Those of `definitions` (name, kind, sql) that need a `dropped` (name, kind) and stay.

    One row each with `reads`, the names it needs: of dropped objects, and of others that fail too.
    """
    staying = {row["name"]: row for row in definitions if (row["name"], row["kind"]) not in dropped}
    failing = dict(dropped)
    found: dict[str, dict[str, Any]] = {}
    while True:
        new = {
            name: {"name": name, "kind": row["kind"], "reads": reads}
            for name, row in staying.items()
            if name not in found and (reads := _read(row["sql"] or "", failing))
        }
        if not new:
            return [found[name] for name in sorted(found)]
        found |= new
        failing |= {name.rsplit(".", 1)[-1]: row["kind"] for name, row in new.items()}


def _read(sql: str, objects: Mapping[str, str]) -> list[str]:
    """The names of the objects that a query reads or calls; a column of that name does not count."""
    path = r'(?:[\w"`-]+\.)*["`]?'
    relations = set(re.findall(rf"\b(?:from|join)\s+\(*{path}(\w+)", sql, re.IGNORECASE))
    calls = set(re.findall(rf'{path}(\w+)["`]?\s*\(', sql))
    return sorted(
        name for name, kind in objects.items() if name in (calls if "function" in kind else relations)
    )
