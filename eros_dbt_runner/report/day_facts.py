"""What the report of a day tells, read through Warehouse; every figure is made by SQL.

The day's messages and creators must be there. Each other part of the report stands or falls alone:
where its tables are missing or cannot be read, the page says so and shows the rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone

from eros_dbt_runner.errors import ErosError
from eros_dbt_runner.exit_codes import ExitCode
from eros_dbt_runner.operations import health
from eros_dbt_runner.warehouse.base import Row, Warehouse

HOLIDAYS_AHEAD = timedelta(days=60)
ALERTS_SHOWN = 50
CAPTIONS_SHOWN = 10
# Between 10 % and 90 % of a normal distribution: 4 chances in 5 lie within so many standard deviations.
FOUR_IN_FIVE = 1.2815515655446004


@dataclass(frozen=True)
class Part:
    """Rows of one part of the page, or the sentence that says why there are none."""

    rows: Sequence[Row] = ()
    problem: str | None = None


@dataclass(frozen=True)
class DayFacts:
    """A day, of one page or of all: what was planned and published, and how things stand."""

    day: date
    page: str | None
    creators: Sequence[Row]
    messages: Sequence[Row]
    sample: Part = field(default_factory=Part)
    run: Part = field(default_factory=Part)
    week: Part = field(default_factory=Part)
    holidays: Part = field(default_factory=Part)
    pages: Part = field(default_factory=Part)
    familiarity: Part = field(default_factory=Part)
    captions: Part = field(default_factory=Part)
    alerts: Part = field(default_factory=Part)
    health: Part = field(default_factory=Part)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is known of the day: no plan, no message, no run that tried."""
        return not self.creators and (self.page is not None or not self.run.rows)


def read(tables: Warehouse, day: date, page: str | None) -> DayFacts:
    """The facts of `day`, of one `page` or of all.

    Raises ErosError as Warehouse.rows does where the tables of the schedule are not there yet.
    """
    monday = day - timedelta(days=day.weekday())
    return DayFacts(
        day=day,
        page=page,
        creators=_creators(tables, day, page),
        messages=_messages(tables, day, page),
        sample=_part(lambda: _sample(tables)),
        run=_part(lambda: _run(tables, day)),
        week=_part(lambda: _week(tables, monday, day, page)),
        holidays=_part(lambda: _holidays(tables, monday, day + HOLIDAYS_AHEAD)),
        pages=_part(lambda: _pages(tables, page)),
        familiarity=_part(lambda: _familiarity(tables, page)),
        captions=_part(lambda: _captions(tables)),
        alerts=_part(lambda: _alerts(tables)),
        health=_part(lambda: health(tables)),
    )


def newest_day(tables: Warehouse) -> date | None:
    """The last date that a daily run planned or tried to: one that published nothing counts too."""
    [row] = tables.rows(
        "select max(day) as day from ("
        " select max(schedule_date) as day from schedule_recommendations"
        " union all"
        " select max(execution_date) as day from etl_job_runs"
        " where job_name in ('daily', 'build') and job_status != 'RUNNING'"
        ") as days"
    )
    found: date | None = row["day"]
    return found


def _part(reading: Callable[[], list[Row]]) -> Part:
    try:
        return Part(reading())
    except ErosError as error:
        if error.code == ExitCode.CANNOT_START:
            return Part(
                problem="its tables are not there yet; `eros run performance` and `eros run daily` make them."
            )
        return Part(problem=str(error))


def _sample(tables: Warehouse) -> list[Row]:
    """One row where the database was made from sample data, else none."""
    return tables.rows(
        "select value from project_state where fact = 'sample'"
        " qualify row_number() over (order by noted_at desc) = 1 and value != ''"
    )


def _around(day: date) -> tuple[datetime, datetime]:
    """Moments that enclose the date in every zone: BigQuery then reads these days of a table only."""
    midnight = datetime.combine(day, time(), timezone.utc)
    return midnight - timedelta(days=1), midnight + timedelta(days=2)


def _messages(tables: Warehouse, day: date, page: str | None) -> list[Row]:
    """The published messages in sending order, each with the parts of its score and the belief.

    A belief is told as a multiple of the page's usual message, its median EMV; NULL where that is 0.
    The parts are what they add to the score, before the multiplier.
    """
    return tables.rows(
        f"""
        select
            messages.page_name, messages.time_slot_rank, messages.scheduled_send_time,
            messages.message_type, messages.caption_id, messages.caption_text, messages.price_tier,
            messages.content_category, messages.has_urgency,
            chosen.caption_policy, chosen.selection_rank, chosen.tier_rank, chosen.outcome_count,
            chosen.is_soft_restricted, chosen.diversity, chosen.budget_penalty, chosen.draw,
            chosen.segment_multiplier, chosen.score,
            0.70 * chosen.thompson as belief_part, 0.15 * chosen.diversity as variety_part,
            0.15 * chosen.value as value_part, 0.10 * chosen.budget_penalty as budget_part,
            exp(chosen.posterior_mean) / nullif(chosen.page_median_emv, 0) as believed,
            exp(chosen.posterior_mean - {FOUR_IN_FIVE} * chosen.posterior_sd)
            / nullif(chosen.page_median_emv, 0) as believed_low,
            exp(chosen.posterior_mean + {FOUR_IN_FIVE} * chosen.posterior_sd)
            / nullif(chosen.page_median_emv, 0) as believed_high,
            case when chosen.caption_policy = 'pooled' then exp(chosen.draw - chosen.posterior_mean) end
                as luck,
            beliefs.page_count
        from schedule_recommendations_messages as messages
        left join schedule_recommendations as chosen
            on messages.schedule_id = chosen.schedule_id
            and messages.time_slot_rank = chosen.time_slot_rank
            and chosen.schedule_date = ?
        left join caption_beliefs as beliefs on messages.caption_id = beliefs.caption_id
        where messages.scheduled_send_time between ? and ?
            and right(messages.schedule_id, 9) = ? and messages.schedule_is_active
            and messages.page_name = coalesce(?, messages.page_name)
        order by messages.page_name, messages.scheduled_send_time, messages.time_slot_rank
        """,  # noqa: S608 - a number of ours
        [day, *_around(day), f"_{day:%Y%m%d}", page],
    )


def _creators(tables: Warehouse, day: date, page: str | None) -> list[Row]:
    """One row per creator of the day: its plan, what was published, and what became of it.

    `state` is scheduled, left_out (with failure_reason), nothing_due, or not_published for one that was
    fit and got nothing. The check of the day's last run outweighs the errors of earlier ones.
    """
    return tables.rows(
        """
        with creators as (
            select page_name from schedule_recommendations where schedule_date = ?
            union distinct
            select page_name from creator_daily_volume where schedule_date = ?
            union distinct
            select page_name from creator_checks where schedule_date = ?
            union distinct
            select page_name from creator_processing_errors where execution_date = ?
        ),
        published as (
            select
                page_name,
                count(case when message_type = 'PPV' then 1 end) as ppv_published,
                count(case when message_type = 'BUMP' then 1 end) as bump_published
            from schedule_recommendations_messages
            where scheduled_send_time between ? and ?
                and right(schedule_id, 9) = ? and schedule_is_active
            group by page_name
        ),
        withdrawn as (
            select page_name, count(*) as withdrawn
            from schedule_recommendations
            where schedule_date = ? and not is_active
            group by page_name
        ),
        errors as (
            select page_name, error_message
            from creator_processing_errors
            where execution_date = ?
            qualify row_number() over (partition by page_name order by error_time desc, job_id) = 1
        ),
        joined as (
            select
                creators.page_name,
                volume.account_size, volume.audience, volume.saturation_score, volume.saturation_factor,
                volume.holiday_factor, volume.weekly_ppv, volume.weekly_bump, volume.daily_cap,
                volume.min_gap_hours, volume.ppv_count, volume.bump_count,
                plans.behavioral_segment, plans.revenue_weighted_price,
                checks.budget_pool, checks.mid_pool, checks.premium_pool, checks.bump_pool,
                coalesce(published.ppv_published, 0) as ppv_published,
                coalesce(published.bump_published, 0) as bump_published,
                coalesce(withdrawn.withdrawn, 0) as withdrawn,
                case when checks.page_name is null then errors.error_message else checks.failure_reason end
                    as failure_reason
            from creators
            left join creator_daily_volume as volume
                on creators.page_name = volume.page_name and volume.schedule_date = ?
            left join creator_day_plan as plans
                on creators.page_name = plans.page_name and plans.schedule_date = ?
            left join creator_checks as checks
                on creators.page_name = checks.page_name and checks.schedule_date = ?
            left join published on creators.page_name = published.page_name
            left join withdrawn on creators.page_name = withdrawn.page_name
            left join errors on creators.page_name = errors.page_name
        )
        select
            *,
            case
                when ppv_published + bump_published + withdrawn > 0 then 'scheduled'
                when failure_reason is not null then 'left_out'
                when ppv_count + bump_count = 0 then 'nothing_due'
                else 'not_published'
            end as state
        from joined
        where page_name = coalesce(?, page_name)
        order by page_name
        """,
        [day, day, day, day, *_around(day), f"_{day:%Y%m%d}", day, day, day, day, day, page],
    )


def _run(tables: Warehouse, day: date) -> list[Row]:
    """The newest daily run that planned the day, or nothing."""
    return tables.rows(
        "select * from etl_job_runs where job_name in ('daily', 'build') and execution_date = ?"
        " order by job_start_time desc, job_id limit 1",
        [day],
    )


def _week(tables: Warehouse, monday: date, day: date, page: str | None) -> list[Row]:
    """The week's days up to `day`: messages planned, published and, before `day`, really sent.

    NULL is a figure that no table has: plans are kept for the week of the last daily run.
    """
    return tables.rows(
        """
        with counted as (
            select
                schedule_date as day, sum(ppv_count + bump_count) as planned,
                cast(null as int64) as published, cast(null as int64) as sent
            from creator_daily_volume
            where schedule_date between ? and ? and page_name = coalesce(?, page_name)
            group by schedule_date
            union all
            select schedule_date, cast(null as int64), count(*), cast(null as int64)
            from schedule_recommendations
            where schedule_date between ? and ? and is_active and page_name = coalesce(?, page_name)
            group by schedule_date
            union all
            select sending_date, cast(null as int64), cast(null as int64), sum(message_count)
            from page_daily_activity
            where sending_date >= ? and sending_date < ? and page_name = coalesce(?, page_name)
            group by sending_date
        )
        select day, sum(planned) as planned, sum(published) as published, sum(sent) as sent
        from counted
        group by day
        order by day
        """,
        [monday, day, page, monday, day, page, monday, day, page],
    )


def _holidays(tables: Warehouse, first: date, last: date) -> list[Row]:
    return tables.rows(
        "select * from holiday_calendar where holiday_date between ? and ? order by holiday_date",
        [first, last],
    )


def _pages(tables: Warehouse, page: str | None) -> list[Row]:
    """What is believed of each page, and how much its captions have told; all_… add up the pages."""
    return tables.rows(
        """
        with seen as (
            select
                page_name, count(*) as captions, sum(total_observations) as outcomes,
                sum(successes - 1) / sum(total_observations) as beat_share,
                avg(confidence_upper_bound - confidence_lower_bound) / 2 as margin,
                sum(total_revenue) as revenue, max(last_updated) as last_updated
            from caption_bandit_stats
            group by page_name
        )
        select
            beliefs.page_name, beliefs.is_seen, exp(beliefs.page_level) as usual_level,
            beliefs.page_median_emv, coalesce(seen.captions, 0) as captions,
            coalesce(seen.outcomes, 0) as outcomes, seen.beat_share, seen.margin, seen.revenue,
            coalesce(sum(seen.captions) over (), 0) as all_captions,
            coalesce(sum(seen.outcomes) over (), 0) as all_outcomes,
            max(seen.last_updated) over () as newest_update
        from page_beliefs as beliefs
        left join seen on beliefs.page_name = seen.page_name
        where beliefs.page_name = coalesce(?, beliefs.page_name)
        order by beliefs.page_name
        """,
        [page],
        made_by="performance",
    )


def _familiarity(tables: Warehouse, page: str | None) -> list[Row]:
    """How often captions have been tried on a page, and how sure that has made us."""
    return tables.rows(
        """
        with grouped as (
            select
                case
                    when total_observations = 1 then 1
                    when total_observations < 5 then 2
                    when total_observations < 10 then 5
                    when total_observations < 20 then 10
                    else 20
                end as tries_from,
                confidence_upper_bound - confidence_lower_bound as width
            from caption_bandit_stats
            where page_name = coalesce(?, page_name)
        )
        select tries_from, count(*) as pairs, avg(width) / 2 as margin
        from grouped
        group by tries_from
        order by tries_from
        """,
        [page],
        made_by="performance",
    )


def _captions(tables: Warehouse) -> list[Row]:
    """The captions most surely good on any page, as multiples of a page's level, with 4 in 5 chances."""
    return tables.rows(
        f"""
        with beliefs as (
            select
                caption_beliefs.caption_id, caption_beliefs.page_count,
                caption_beliefs.weighted_residual_sum
                / (caption_beliefs.weight_sum + 1 / variances.caption_variance) as effect,
                sqrt(1 / (caption_beliefs.weight_sum + 1 / variances.caption_variance)) as uncertainty
            from caption_beliefs
            cross join belief_variances as variances
        )
        select
            beliefs.caption_id, bank.caption_text, bank.price_tier, bank.content_category,
            beliefs.page_count, exp(beliefs.effect) as factor,
            exp(beliefs.effect - {FOUR_IN_FIVE} * beliefs.uncertainty) as factor_low,
            exp(beliefs.effect + {FOUR_IN_FIVE} * beliefs.uncertainty) as factor_high
        from beliefs
        left join stg_caption_bank as bank on beliefs.caption_id = bank.caption_id
        order by beliefs.effect - {FOUR_IN_FIVE} * beliefs.uncertainty desc, beliefs.caption_id
        limit {CAPTIONS_SHOWN}
        """,  # noqa: S608 - numbers of ours
        made_by="performance",
    )


def _alerts(tables: Warehouse) -> list[Row]:
    """The open alerts, the gravest and newest first; `open_alerts` counts those not shown too."""
    return tables.rows(
        f"""
        select *, count(*) over () as open_alerts
        from automation_alerts
        where not coalesce(acknowledged, false)
        order by
            case alert_level when 'CRITICAL' then 1 when 'WARNING' then 2 else 3 end,
            alert_time desc, alert_id
        limit {ALERTS_SHOWN}
        """,  # noqa: S608 - a number of ours
        made_by="performance",
    )
