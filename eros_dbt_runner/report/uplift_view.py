"""What `eros uplift` shows, in lines of 80 characters."""

import math
from collections.abc import Sequence

from rich.text import Text

from eros_dbt_runner.display import Row, stdout, table_of
from eros_dbt_runner.report.uplift import Proof, sentence

WIDEST_NAME = 20
ALL_PAGES = "all pages"


def show(proof: Proof) -> None:
    """The sentence, then the figures behind it."""
    console = stdout()
    console.print(Text(f"{sentence(proof.uplift)}."), soft_wrap=True)
    _show_uplift(proof.uplift)
    _show_plans(proof.plans)
    _show_calibration(proof.calibration)


def _show_uplift(rows: Sequence[Row]) -> None:
    """All pages, and the pages of which there is a figure."""
    right = ("days", "times", "95 %", "chance", "chosen")
    table = table_of("chosen captions against random ones", "page", *right, "", right=right, fold=True)
    shown = [row for row in rows if row["page_name"] is None or row["status"] == "known"]
    for row in shown:
        is_known = row["status"] == "known"
        table.add_row(
            Text(_cut(row["page_name"] or ALL_PAGES)),
            str(row["window_days"]),
            f"{row['uplift']:.2f}" if is_known else "–",
            f"{row['uplift_low']:.2f} to {row['uplift_high']:.2f}" if is_known else "–",
            f"{row['chance_count']:,}",
            f"{row['chosen_count']:,}",
            "" if is_known else row["status"],
        )
    console = stdout()
    console.print(table)
    without = {row["page_name"] for row in rows} - {row["page_name"] for row in shown}
    if without:
        console.print(Text(f"Pages without a figure of their own: {len(without)}.", style="dim"))


def _show_plans(rows: Sequence[Row]) -> None:
    names = ("days", "sent", "other text", "not sent", "withdrawn", "pending", "unplanned")
    table = table_of("what became of the plans, messages", *names, right=names, fold=True)
    for row in rows:
        table.add_row(str(row["window_days"]), *(f"{row[name.replace(' ', '_')]:,}" for name in names[1:]))
    console = stdout()
    if rows:
        console.print(table)
    else:
        console.print("What is published cannot be judged yet.", style="dim")


def _show_calibration(rows: Sequence[Row]) -> None:
    """How many messages lay where 4 in 5 should; a quantity as a whole, then its tenths by belief."""
    right = ("messages", "within", "believed", "came")
    title = "are beliefs right? 80 % should lie within"
    table = table_of(title, "judged by", "tenth", *right, right=("tenth", *right), fold=True)
    for row in rows:
        table.add_row(
            row["quantity"] or "both",
            "all" if row["decile"] is None else str(row["decile"]),
            f"{row['message_count']:,}",
            "–" if row["coverage"] is None else f"{row['coverage']:.0%}",
            _exp(row["believed_mean"]),
            _exp(row["observed_mean"]),
        )
    console = stdout()
    console.print(table)
    console.print("value: US dollars that a view earned; opens: views per recipient", style="dim")


def _exp(value: float | None) -> str:
    return "–" if value is None else f"{math.exp(value):.3g}"


def _cut(name: str) -> str:
    return name if len(name) <= WIDEST_NAME else f"{name[: WIDEST_NAME - 1]}…"
