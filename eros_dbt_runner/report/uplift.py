"""Whether EROS earns anything: what the tables say of it, and the one sentence that says it first.

The figures are those of the models policy_uplift, report_plan_outcomes and belief_calibration.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eros_dbt_runner.texts import counted
from eros_dbt_runner.warehouse.base import Row, Warehouse

ENOUGH = 30  # messages by chance; as in models/learning/policy_uplift.sql


@dataclass(frozen=True)
class Proof:
    """Rows over 90 and 30 days, those of all pages first; tenths of beliefs after the whole."""

    uplift: Sequence[Row]
    plans: Sequence[Row]
    calibration: Sequence[Row]


def read(tables: Warehouse) -> Proof:
    """What is known; raises ErosError as Warehouse.rows does where the tables are not there yet."""
    return Proof(
        uplift=uplift_of_pages(tables),
        plans=plans(tables, None),
        calibration=tables.rows(
            "select * from belief_calibration order by coalesce(quantity, ''), coalesce(decile, 0)",
            made_by="performance",
        ),
    )


def uplift_of_pages(tables: Warehouse, page: str | None = None) -> list[Row]:
    """Chosen against chance, of one page or of all together and each."""
    return tables.rows(
        "select * from policy_uplift where coalesce(page_name, '') = coalesce(?, page_name, '')"
        " order by coalesce(page_name, ''), window_days desc",
        [page],
        made_by="performance",
    )


def plans(tables: Warehouse, page: str | None) -> list[Row]:
    """What became of the plans, of one page or of all together, over 90 and 30 days."""
    return tables.rows(
        "select * from report_plan_outcomes where page_name is not distinct from ? order by window_days desc",
        [page],
        made_by="performance",
    )


def sentence(rows: Sequence[Mapping[str, Any]], page: str | None = None) -> str:
    """What policy_uplift says of a page, or of all: the figure over the longest time, else why none."""
    own = [row for row in rows if row["page_name"] == page]
    if not own:
        return f"not enough yet: 0 of {ENOUGH} messages by chance"
    row = next((row for row in own if row["status"] == "known"), own[0])
    over = f"in {row['window_days']} days"
    if row["status"] == "known":
        luck = "; that may be luck" if row["uplift_low"] <= 1 <= row["uplift_high"] else ""
        return (
            f"Chosen captions earned {row['uplift']:.1f} times a random one of the same tier; 95 %:"
            f" {row['uplift_low']:.1f} to {row['uplift_high']:.1f}; {counted(row['chance_count'], 'message')}"
            f" by chance {over}{luck}"
        )
    if row["status"] == "sent unevenly":
        return (
            f"No figure: {row['chosen_sent_share']:.0%} of the chosen slots were sent {over}, of the random"
            f" ones {row['chance_sent_share']:.0%}"
        )
    if row["status"] == "nothing earned":
        return f"No figure: chosen captions, or random ones, earned nothing {over}"
    return f"not enough yet: {row['chance_count']} of {ENOUGH} messages by chance {over}"


def followed(plan: Mapping[str, Any]) -> str:
    """What became of the plan, in a sentence; `plan` is a row of report_plan_outcomes."""
    settled = plan["sent"] + plan["other_text"] + plan["not_sent"]
    over = f"in {plan['window_days']} days"
    if not settled:
        return f"Nothing that was published can be judged yet {over}."
    return (
        f"Of {counted(settled, 'published message')} {over}, {plan['sent'] / settled:.0%} were sent as"
        f" planned, {plan['other_text'] / settled:.0%} with another text,"
        f" {plan['not_sent'] / settled:.0%} not at all;"
        f" {counted(plan['unplanned'], 'message')} went out without a plan."
    )
