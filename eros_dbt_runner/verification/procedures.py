"""Category 5: what replaces the five stored procedures can be called, and has done its work.

What replaces four of them writes, so it is not called here: it must be known to `eros run`, and what it
left must obey its rule.
"""

from eros_dbt_runner import published
from eros_dbt_runner.verification.checks import Check, Deployment, Finding

SCHEDULES = ("performance", "daily", "sweep")


def _schedules(deployment: Deployment) -> Finding:
    """Each schedule is known with its selector, and what it must produce is in the database."""
    known = deployment.declared.schedules
    problems = [f"schedules.yml has no {name}" for name in SCHEDULES if name not in known]
    for schedule in known.values():
        if schedule.selector not in deployment.declared.selectors:
            problems.append(f"selectors.yml has no {schedule.selector}, which {schedule.name} runs")
        problems += [
            f"{schedule.name} has not made {table}: `eros run {schedule.name}`"
            for table in schedule.expects
            if table not in deployment.catalogue.relations
        ]
    return Finding.of(", ".join(f"eros run {name}" for name in known), problems)


def _select_captions(deployment: Deployment) -> Finding:
    """One caption of each tier that the daily run found for a page; none when it found none at all."""
    chosen = deployment.tables.rows(
        "select page_name, behavioral_segment, price_tier from selected_captions"
        " where page_name = (select min(page_name) from selected_captions)"
        " group by page_name, behavioral_segment, price_tier"
    )
    page = chosen[0]["page_name"] if chosen else ""
    segment = chosen[0]["behavioral_segment"] if chosen else "standard"
    tiers = sorted(row["price_tier"] for row in chosen)
    wanted = [int(tier in tiers) for tier in ("budget", "mid", "premium", "bump")]
    rows = published.select_captions(deployment.tables, page, segment, *wanted)
    found = sorted(row["price_tier"] for row in rows)
    problem = f"one caption each of {', '.join(tiers) or 'no tier'} was asked for, and it gave {found}"
    where = f"for page {page}" if chosen else "(no page is scheduled)"
    return Finding.of(f"{len(rows)} captions {where}", [problem] if found != tiers else [])


def _update_caption_performance(deployment: Deployment) -> Finding:
    """Each pair's statistics count each of its outcomes once, and every pair has some."""
    row = deployment.ask("verified_statistics")
    problem = f"{row['wrong']} of {row['pairs']} pairs do not count each outcome once: `eros run performance`"
    return Finding.of(f"{row['pairs']} pairs count each outcome once", [problem] if row["wrong"] else [])


def _run_daily_automation(deployment: Deployment) -> Finding:
    """Every active recommendation of the newest day is a message, and nothing else is."""
    row = deployment.ask("verified_messages")
    day, messages, wrong = row["day"], row["messages"], row["wrong"]
    if day is None:
        return Finding("no day is published yet")
    problem = f"{wrong} of {messages} slots of {day} differ from their message: `eros run daily`"
    return Finding.of(f"{messages} messages on {day}", [problem] if wrong else [])


def _locks(deployment: Deployment) -> Finding:
    """Every active recommendation of the newest day has its lock, released since or not."""
    row = deployment.ask("verified_locks")
    day, messages, wrong = row["day"], row["messages"], row["wrong"]
    if day is None:
        return Finding("no day is published yet")
    problem = f"{wrong} of {messages} captions of {day} have no lock: `eros run daily`"
    return Finding.of(f"{messages} captions of {day} are locked", [problem] if wrong else [])


def _sweep(deployment: Deployment) -> Finding:
    """No lock outlived the last sweep, and what each sweep logged adds up."""
    row = deployment.ask("verified_sweeps")
    day, sweeps = row["day"], row["sweeps"]
    if day is None:
        return Finding("no sweep yet")
    problems = [f"{row['wrong']} of {sweeps} sweeps do not add up"] if row["wrong"] else []
    if row["left_active"]:
        problems.append(f"{row['left_active']} locks of days before {day} are active: `eros run sweep`")
    return Finding.of(f"{sweeps} logged, no lock active before {day}", problems)


PROCEDURES = (
    Check("procedures", "schedules", _schedules),
    Check("procedures", "select_captions_for_creator", _select_captions),
    Check("procedures", "update_caption_performance", _update_caption_performance),
    Check("procedures", "run_daily_automation", _run_daily_automation),
    Check("procedures", "locking", _locks),
    Check("procedures", "sweep_expired_caption_locks", _sweep),
)
