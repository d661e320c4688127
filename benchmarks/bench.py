"""Measure the sizes that EROS promises: whole commands, wall time and peak memory.

    python benchmarks/bench.py [--messages 1000000] [--large 10000000] [--keep FOLDER]

Each figure is one command in a fresh process over a warm checkout, as cron would run it. `--large 0`
leaves the ten million messages out. The promises stand beside the figures; nothing fails.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from eros_dbt_runner.sample_data import generate

ROOT = Path(__file__).resolve().parent.parent
END = datetime(2025, 6, 15, 12, tzinfo=timezone.utc)
SCHEMA = "eros_scheduling_brain"
LOCKS = 10_000
EROS = str(Path(sys.executable).with_name("eros"))


class Bench:
    """A folder with inputs, a database and the figures measured on them."""

    def __init__(self, folder: Path, messages: int, days: int) -> None:
        self.folder, self.messages, self.days = folder, messages, days
        self.database = folder / "eros.duckdb"
        self.env = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EROS_")},
            "EROS_DATA_DIR": str(folder / "data"),
            "EROS_DUCKDB_PATH": str(self.database),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }

    def make_inputs(self) -> None:
        """Generate the four input tables."""
        generate(
            self.folder / "data", pages=100, captions=100_000, messages=self.messages,
            days=self.days, seed=1, end=END,
        )  # fmt: skip

    def run(self, schedule: str, *flags: str, as_of: datetime = END) -> tuple[float, float]:
        """(wall seconds, peak memory in GiB) of one `eros run`; a run that fails ends the bench."""
        command = [EROS, "run", schedule, "--as-of", as_of.isoformat()]
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, *flags], cwd=ROOT, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        if os.waitstatus_to_exitcode(status):
            sys.exit(f"{' '.join(command)} failed:\n{output.decode()}")
        return seconds, usage.ru_maxrss / (1 << (30 if sys.platform == "darwin" else 20))

    def add_locks(self, count: int) -> None:
        """Put `count` active locks of past days into the lock table."""
        with duckdb.connect(str(self.database)) as connection:
            connection.execute(
                f"""
                insert into {SCHEMA}.active_caption_assignments (
                    page_name, caption_id, caption_text, assigned_date, scheduled_send_date,
                    scheduled_send_hour, price_tier, is_active, assigned_at, assignment_key, schedule_id
                )
                select
                    'page_' || i % 100, i, 'text ' || i, date '2025-06-01', date '2025-06-01' + (i % 12)::int,
                    10, 'mid', true, timestamp '2025-06-01 10:05:00', sha256('bench ' || i), 'bench'
                from range(?) as numbers (i)
                """,
                [count],
            )

    def read_page(self) -> float:
        """Median seconds to read one page's statistics over an open connection."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            [page] = connection.execute(
                f"select min(page_name) from {SCHEMA}.caption_bandit_stats"
            ).fetchone()
            seconds = []
            for _ in range(21):
                began = time.monotonic()
                connection.execute(
                    f"select * from {SCHEMA}.caption_bandit_stats where page_name = ?", [page]
                ).fetchall()
                seconds.append(time.monotonic() - began)
        return sorted(seconds)[len(seconds) // 2]


def median_run(
    bench: Bench, schedule: str, *flags: str, first: datetime, runs: int = 3
) -> tuple[float, float]:
    """The run of median duration among several, six hours apart so that each has work to do."""
    found = [bench.run(schedule, *flags, as_of=first + timedelta(hours=6 * n)) for n in range(runs)]
    return sorted(found)[len(found) // 2]


def measure(folder: Path, messages: int, large: int, console: Console) -> list[tuple[str, str, str, str]]:
    """Rows of (what, measured, memory, promised)."""
    rows: list[tuple[str, str, str, str]] = []

    def add(what: str, figure: tuple[float, float], promised: str) -> None:
        rows.append((what, f"{figure[0]:.1f} s", f"{figure[1]:.2f} GiB", promised))
        console.print(f"{what}: {figure[0]:.1f} s, {figure[1]:.2f} GiB")

    bench = Bench(folder / "small", messages, days=90)
    console.print(f"making {messages:,} messages…")
    bench.make_inputs()
    add("performance, first build", bench.run("performance"), "")
    add("performance, full refresh", bench.run("performance", "--full-refresh"), "25 s")
    small = median_run(bench, "performance", first=END)
    add("performance, incremental", small, "10 s")
    bench.run("daily")
    days = [END + timedelta(days=n) for n in (1, 2, 3)]
    add("daily, 100 creators", sorted(bench.run("daily", as_of=day) for day in days)[1], "15 s")
    bench.add_locks(LOCKS)
    add(f"sweep of {LOCKS:,} locks", bench.run("sweep", as_of=END), "7 s")
    milliseconds = bench.read_page() * 1000
    rows.append(("one page's statistics", f"{milliseconds:.1f} ms", "", "10 ms"))
    if large:
        big = Bench(folder / "large", large, days=90 * large // messages)
        console.print(f"making {large:,} messages at the same rate…")
        big.make_inputs()
        add(f"performance, first build of {large:,}", big.run("performance"), "")
        figure = median_run(big, "performance", first=END)
        add(f"performance, incremental of {large:,}", figure, f"{1.5 * small[0]:.1f} s (1.5 x)")
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print the figures beside the promises."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--keep", type=Path, help="work in this folder and leave it there")
    options = parser.parse_args(arguments)
    console = Console()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="eros-bench-"))
    try:
        rows = measure(folder, options.messages, options.large, console)
    finally:
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    table = Table(title=f"whole commands on {os.cpu_count()} cores")
    for heading in ("what", "measured", "peak memory", "promised"):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
