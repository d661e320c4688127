{%- set days_before = execution_date_value().weekday() %}
{%- set week_ago = add_days('week_days.schedule_date', -7) %}
{%- set recent = 'case when holidays.holiday_date is null and activity.sending_date >= ' ~ week_ago %}
{%- set earlier = 'case when holidays.holiday_date is null and activity.sending_date < ' ~ week_ago %}

with

activity as (

    select * from {{ ref('page_daily_activity') }}

),

holidays as (

    select * from {{ ref('holiday_calendar') }}

),

volume_policy as (

    select * from {{ ref('volume_policy') }}

),

{# A creator is active if it sent a message lately. #}
active_creators as (

    select page_name
    from activity
    group by page_name
    having max(sending_date) >= {{ execution_date(1 - var('active_window_days')) }}

),

{# Every day of the week up to today, Monday first: a day's count is what brings the week's
    rounded total forward, so the days before have to be known. #}
week_days as (

    select
        active_creators.page_name,
        {{ add_days(execution_date(), 'day_offset') }} as schedule_date
    from active_creators
    cross join {{ integer_series(-days_before, 0, 'day_offset') }}

),

{# Each day sees only what had been sent before it, so that it is planned alike on every day of
    the week. Holidays are left out of the comparison of the last 7 dates with the 30 before. #}
history as (

    select
        week_days.page_name,
        week_days.schedule_date,
        {%- for measure in ['sent_count', 'viewed_count', 'earnings'] %}
        {{ exact_sum(recent ~ ' then activity.' ~ measure ~ ' end') }} as recent_{{ measure }},
        {{ exact_sum(earlier ~ ' then activity.' ~ measure ~ ' end') }} as earlier_{{ measure }},
        {%- endfor %}
        coalesce(max(
            case
                when activity.sending_date >= {{ add_days('week_days.schedule_date', -30) }}
                    then activity.largest_sent_count
            end
        ), 0) as audience
    from week_days
    left join activity
        on
            week_days.page_name = activity.page_name
            and activity.sending_date >= {{ add_days('week_days.schedule_date', -37) }}
            and week_days.schedule_date > activity.sending_date
    left join holidays on activity.sending_date = holidays.holiday_date
    group by week_days.page_name, week_days.schedule_date

),

drops as (

    select
        *,
        1e0 - (recent_earnings / nullif(recent_sent_count, 0))
        / nullif(earlier_earnings / nullif(earlier_sent_count, 0), 0) as rpr_drop,
        1e0 - (recent_viewed_count / nullif(recent_sent_count, 0))
        / nullif(earlier_viewed_count / nullif(earlier_sent_count, 0), 0) as view_rate_drop
    from history

),

scored as (

    select
        *,
        (
            greatest(0e0, least(1e0, coalesce(rpr_drop, 0e0)))
            + greatest(0e0, least(1e0, coalesce(view_rate_drop, 0e0)))
        ) / 2e0 as saturation_score
    from drops

),

{# The cap of a day: the policy's maximum, or fewer where the minimum gap leaves no more hours. #}
sized as (

    select
        scored.page_name,
        scored.schedule_date,
        scored.audience,
        scored.saturation_score,
        case
            when scored.saturation_score >= 0.6e0 then 0.70e0
            when scored.saturation_score >= 0.3e0 then 0.85e0
            else 1e0
        end as saturation_factor,
        coalesce(holidays.saturation_impact_factor, 1e0) as holiday_factor,
        volume_policy.account_size,
        volume_policy.weekly_ppv,
        volume_policy.weekly_bump,
        volume_policy.min_gap_hours,
        least(
            volume_policy.daily_maximum,
            cast(floor(
                {{ var('last_send_hour') - var('first_send_hour') }}
                / greatest(ceil(volume_policy.min_gap_hours), 1)
            ) as int64) + 1
        ) as daily_cap
    from scored
    inner join volume_policy on scored.audience >= volume_policy.min_audience
    left join holidays on scored.schedule_date = holidays.holiday_date
    where true
    qualify
        row_number() over (
            partition by scored.page_name, scored.schedule_date
            order by volume_policy.min_audience desc
        ) = 1

),

cumulated as (

    select
        *,
        round(round(sum(weekly_ppv / 7e0 * saturation_factor * holiday_factor) over week_so_far, 6)) as ppv_target,
        round(round(sum(weekly_bump / 7e0 * saturation_factor * holiday_factor) over week_so_far, 6)) as bump_target,
        sum(daily_cap) over week_so_far as room
    from sized
    window week_so_far as (partition by page_name order by schedule_date rows unbounded preceding)

),

{# What a full day cannot take waits for the next: the week's total so far is its target, or less
    where the caps since some earlier day leave no room. #}
ppv_capped as (

    select
        *,
        room + least(0, min(ppv_target - room) over week_so_far) as ppv_to_date
    from cumulated
    window week_so_far as (partition by page_name order by schedule_date rows unbounded preceding)

),

ppv_counted as (

    select
        *,
        ppv_to_date - coalesce(lag(ppv_to_date) over (partition by page_name order by schedule_date), 0) as ppv_count,
        room - ppv_to_date as bump_room
    from ppv_capped

),

bump_capped as (

    select
        *,
        bump_room + least(0, min(bump_target - bump_room) over week_so_far) as bump_to_date
    from ppv_counted
    window week_so_far as (partition by page_name order by schedule_date rows unbounded preceding)

),

final as (

    select
        page_name,
        schedule_date,
        audience,
        account_size,
        saturation_score,
        saturation_factor,
        holiday_factor,
        weekly_ppv,
        weekly_bump,
        min_gap_hours,
        daily_cap,
        cast(ppv_to_date as int64) as ppv_to_date,
        cast(ppv_count as int64) as ppv_count,
        cast(
            bump_to_date - coalesce(lag(bump_to_date) over (partition by page_name order by schedule_date), 0) as int64
        ) as bump_count
    from bump_capped

)

select * from final
