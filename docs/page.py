"""Makes the documentation page, which is what `make docs` runs.

dbt writes one page with the catalog inside; a catalog is empty before anything was built, so the
shipped sample is built first, into a database of the page's own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_ENDS = "2025-06-15T12:00:00Z"

MENDINGS = (
    # The page asks its own folder for files that are not there: an icon whose address dbt did not
    # fill in, and icons whose address AngularJS fills in too late.
    ("${require('./assets/favicons/favicon.ico')}", "data:,"),
    ('xlink:href="{{ getIcon(', 'ng-attr-href="{{ getIcon('),
    # The lineage opens with the tables alone: among hundreds of tests nobody finds them. The menu
    # "resources" adds the tests.
    ('"source","test","unit_test","analysis"', '"source","analysis"'),
)


def make_page(folder: Path) -> Path:
    """Build the sample, write the page and give its path; `folder` is dbt's target folder for it."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "eros.duckdb"
    database.unlink(missing_ok=True)
    environment = {
        "EROS_AS_OF": SAMPLE_ENDS,
        "EROS_DATA_DIR": str(ROOT / "sample_data"),
        "EROS_DUCKDB_PATH": str(database),
    }
    dbt("build", "--exclude-resource-type", "test", "unit_test", folder=folder, env=environment)
    dbt("docs", "generate", "--static", folder=folder, env=environment)
    page = folder / "eros.html"
    page.write_text(mended((folder / "static_index.html").read_text(encoding="utf-8")), encoding="utf-8")
    return page


def mended(page: str) -> str:
    """The page with MENDINGS done; a ValueError names one that no longer finds what it mends."""
    for old, new in MENDINGS:
        if old not in page:
            raise ValueError(f"dbt's page no longer holds {old!r}: look at MENDINGS in docs/page.py")
        page = page.replace(old, new)
    return page


def dbt(*command: str, folder: Path, env: Mapping[str, str] | None = None) -> None:
    """Run dbt on this project for DuckDB, with `folder` for all that it writes.

    A failure raises CalledProcessError, after dbt has said why.
    """
    program = Path(sys.executable).with_name("dbt")
    options = ["--quiet", *command, "--target", "duckdb", "--target-path", folder, "--log-path", folder]
    subprocess.run([program, *options], env={**os.environ, **(env or {})}, cwd=ROOT, check=True)  # noqa: S603


if __name__ == "__main__":
    print(f"open {make_page(ROOT / 'target' / 'docs')}")
