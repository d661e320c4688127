{#- A page's own figure counts as much as five messages of its average size. #}
{%- set prior_messages = 5 %}
{%- set is_weekend = execution_date_value().isoweekday() >= 6 %}
{%- set hour_count = var('last_send_hour') - var('first_send_hour') + 1 %}

with

creators as (

    select * from {{ ref('creator_day_plan') }}

),

patterns as (

    select * from {{ ref('send_hour_patterns') }}

),

messages as (

    select
        page_name,
        sent_count,
        earnings,
        {{ local_hour('sending_time') }} as send_hour,
        {{ iso_weekday('sending_date') }} >= 6 as is_weekend
    from {{ ref('stg_mass_messages') }}
    where
        sending_date >= {{ execution_date(-var('stats_window_days')) }}
        and sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}
        and sent_count > 0

),

page_totals as (

    select
        page_name,
        {{ exact_sum('earnings') }} / sum(sent_count) as page_rpr,
        {{ prior_messages }} * sum(sent_count) / count(*) as prior_sent
    from messages
    group by page_name

),

hour_totals as (

    select
        page_name,
        send_hour,
        sum(sent_count) as sent_count,
        {{ exact_sum('earnings') }} as earnings
    from messages
    where is_weekend = {{ is_weekend | lower }}
    group by page_name, send_hour

),

day_hours as (

    select send_hour
    from {{ integer_series(var('first_send_hour'), var('last_send_hour'), 'send_hour') }}

),

{# Every hour of the sending day; one never used stands at the page's average. #}
page_hours as (

    select
        creators.page_name,
        creators.schedule_date,
        day_hours.send_hour,
        coalesce(
            (coalesce(hour_totals.earnings, 0e0) + page_totals.prior_sent * page_totals.page_rpr)
            / (coalesce(hour_totals.sent_count, 0) + page_totals.prior_sent),
            0e0
        ) as smoothed_rpr
    from creators
    cross join day_hours
    left join page_totals on creators.page_name = page_totals.page_name
    left join hour_totals
        on
            creators.page_name = hour_totals.page_name
            and day_hours.send_hour = hour_totals.send_hour

),

ranked_hours as (

    select
        *,
        row_number() over (
            partition by page_name
            order by round(smoothed_rpr, 9) desc, send_hour asc
        ) as hour_rank
    from page_hours

),

{# A set of hours is better if it holds the best hour; then if it holds the second best; and so on.
    Powers of two say just that, and leave room for the gap to be kept by the whole set. #}
candidate_sets as (

    select
        creators.page_name,
        patterns.hour_set,
        sum(1 << ({{ hour_count }} - ranked_hours.hour_rank)) as goodness
    from creators
    inner join patterns
        on
            creators.message_count = patterns.hour_count
            and creators.min_gap_hours <= patterns.smallest_gap_hours
            {#- No hour that has passed: the bits below the first open hour are not set. #}
            and (
                patterns.hour_set & ((1 << (creators.first_open_hour - {{ var('first_send_hour') }})) - 1)
            ) = 0
    inner join ranked_hours
        on
            creators.page_name = ranked_hours.page_name
            and (patterns.hour_set & (1 << (ranked_hours.send_hour - {{ var('first_send_hour') }}))) != 0
    group by creators.page_name, patterns.hour_set

),

best_sets as (

    select *
    from candidate_sets
    where true
    qualify row_number() over (partition by page_name order by goodness desc) = 1

),

final as (

    select
        ranked_hours.page_name,
        ranked_hours.schedule_date,
        ranked_hours.send_hour,
        ranked_hours.smoothed_rpr,
        row_number() over (partition by ranked_hours.page_name order by ranked_hours.hour_rank asc) as slot_quality_rank
    from best_sets
    inner join ranked_hours
        on
            best_sets.page_name = ranked_hours.page_name
            and (best_sets.hour_set & (1 << (ranked_hours.send_hour - {{ var('first_send_hour') }}))) != 0

)

select * from final
