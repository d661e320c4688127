"""`eros sample-data`."""

import os
import sys
from pathlib import Path

import click

from eros_dbt_runner import clock
from eros_dbt_runner.errors import UsageError, one_sentence
from eros_dbt_runner.project import DEFAULT_DATA_DIR, Project
from eros_dbt_runner.sample_data.generator import generate


@click.command("sample-data")
@click.argument("directory", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--pages", type=int, default=20, show_default=True)
@click.option("--captions", type=int, default=4_000, show_default=True)
@click.option("--messages", type=int, default=20_000, show_default=True)
@click.option("--days", type=int, default=120, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--end", metavar="ISO-8601", help="The newest message is just before; default: now.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
)
def sample_data(
    directory: Path | None,
    pages: int,
    captions: int,
    messages: int,
    days: int,
    seed: int,
    end: str | None,
    file_format: str,
) -> None:
    """Make fictional input tables in DIRECTORY (default: EROS_DATA_DIR, else data).

    The same options make the same files. Tables that come from elsewhere are never overwritten.
    """
    if directory is None:
        given = os.environ.get("EROS_DATA_DIR") or DEFAULT_DATA_DIR
        directory = Project.locate().directory / given
    try:
        rows = generate(
            directory,
            pages=pages,
            captions=captions,
            messages=messages,
            days=days,
            seed=seed,
            end=clock.parse_moment(end, "--end") if end else clock.now(),
            file_format=file_format,
            progress=_show_written if sys.stderr.isatty() else None,
        )
    except (ValueError, FileExistsError) as error:
        raise UsageError(one_sentence(str(error))) from None
    except OSError as error:
        problem = f"{error.filename or directory}: {error.strerror}"
        raise UsageError(f"The tables cannot be written: {problem}.") from None
    click.echo(f"{directory}: {', '.join(f'{name} ({n:,} rows)' for name, n in rows.items())}")


def _show_written(name: str, rows: int, expected: int) -> None:
    """One line on the terminal that counts up."""
    click.echo(f"\r{name}: {rows:,} of {expected:,} rows", err=True, nl=rows >= expected)
