"""Category 5: what replaces the five stored procedures can be called, and has done its work.

What replaces four of them writes, so it is not called here: it must be known to `eros run`, and what it
left must obey its rule.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

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
    row = _one(
        deployment,
        "select count(*) as pairs, count(case when stats.successes is distinct from 1 + totals.success_count"
        " or stats.total_observations is distinct from totals.outcome_count then 1 end) as wrong"
        " from caption_bandit_stats as stats full outer join caption_outcome_totals as totals"
        " on stats.page_name = totals.page_name and stats.caption_id = totals.caption_id",
    )
    problem = f"{row['wrong']} of {row['pairs']} pairs do not count each outcome once: `eros run performance`"
    return Finding.of(f"{row['pairs']} pairs count each outcome once", [problem] if row["wrong"] else [])


def _run_daily_automation(deployment: Deployment) -> Finding:
    """Every active recommendation of the newest day is a message, and nothing else is."""
    day = published.newest_day(deployment.tables)
    if day is None:
        return Finding("no day is published yet")
    row = _one(
        deployment,
        "select count(*) as messages, count(case when"  # noqa: S608
        " recommendations.caption_id is distinct from messages.caption_id"
        " or recommendations.scheduled_send_time is distinct from messages.scheduled_send_time then 1 end)"
        f" as wrong from ({_published(day)}) as recommendations full outer join (select * from"
        f" schedule_recommendations_messages where schedule_is_active and right(schedule_id, 9) ="
        f" '_{day:%Y%m%d}') as messages on recommendations.schedule_id = messages.schedule_id"
        " and recommendations.time_slot_rank = messages.time_slot_rank",
    )
    problem = (
        f"{row['wrong']} of {row['messages']} slots of {day} differ from their message: `eros run daily`"
    )
    return Finding.of(f"{row['messages']} messages on {day}", [problem] if row["wrong"] else [])


def _locks(deployment: Deployment) -> Finding:
    """Every active recommendation of the newest day has its lock, released since or not."""
    day = published.newest_day(deployment.tables)
    if day is None:
        return Finding("no day is published yet")
    row = _one(
        deployment,
        "select count(*) as messages, count(case when locks.caption_id is null then 1 end) as wrong"  # noqa: S608
        f" from ({_published(day)}) as recommendations left join (select distinct schedule_id, caption_id,"
        " scheduled_send_hour from active_caption_assignments"
        f" where scheduled_send_date = date '{day}') as locks"
        " on recommendations.schedule_id = locks.schedule_id"
        " and recommendations.caption_id = locks.caption_id"
        " and recommendations.send_hour = locks.scheduled_send_hour",
    )
    problem = f"{row['wrong']} of {row['messages']} captions of {day} have no lock: `eros run daily`"
    return Finding.of(f"{row['messages']} captions of {day} are locked", [problem] if row["wrong"] else [])


def _sweep(deployment: Deployment) -> Finding:
    """No lock outlived the last sweep, and what each sweep logged adds up."""
    swept = deployment.declared.engine_sql("local_date", "sweep_time")
    row = _one(
        deployment,
        f"select count(*) as sweeps, max({swept}) as day, count(case when total_locks_cleaned"  # noqa: S608
        " is distinct from locks_expired_stale + locks_expired_past_date then 1 end) as wrong"
        " from lock_sweep_log",
    )
    problems = [f"{row['wrong']} of {row['sweeps']} sweeps do not add up"] if row["wrong"] else []
    if row["day"] is None:
        return Finding("no sweep yet")
    left = _one(
        deployment,
        "select count(*) as n from active_caption_assignments"  # noqa: S608
        f" where is_active and scheduled_send_date < date '{row['day']}'",
    )["n"]
    if left:
        problems.append(f"{left} locks of days before {row['day']} are active: `eros run sweep`")
    return Finding.of(f"{row['sweeps']} logged, no lock active before {row['day']}", problems)


def _published(day: date) -> str:
    return (
        "select * from schedule_recommendations where is_active and send_hour is not null"  # noqa: S608
        f" and schedule_date = date '{day}'"
    )


def _one(deployment: Deployment, sql: str) -> Mapping[str, Any]:
    [row] = deployment.tables.rows(sql)
    return row


PROCEDURES = (
    Check("procedures", "schedules", _schedules),
    Check("procedures", "select_captions_for_creator", _select_captions),
    Check("procedures", "update_caption_performance", _update_caption_performance),
    Check("procedures", "run_daily_automation", _run_daily_automation),
    Check("procedures", "locking", _locks),
    Check("procedures", "sweep_expired_caption_locks", _sweep),
)
