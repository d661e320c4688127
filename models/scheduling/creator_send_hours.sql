{#- What the agency knows of an hour counts as much as three messages of the page. #}
{%- set prior_messages = 3 %}
{%- set smoothing_hours = '2e0' %}
{%- set side_messages = 30 %}
{%- set is_weekend = execution_date_value().isoweekday() >= 6 %}
{%- set hour_count = var('last_send_hour') - var('first_send_hour') + 1 %}

with

creators as (

    select * from {{ ref('creator_day_plan') }}

),

patterns as (

    select * from {{ ref('send_hour_patterns') }}

),

residuals as (

    select * from {{ ref('hour_residuals') }}
    where send_hour between {{ var('first_send_hour') }} and {{ var('last_send_hour') }}

),

{# Weekends are another matter where the page has enough messages to tell. #}
page_sides as (

    select
        page_name,
        sum(case when is_weekend then message_count else 0 end) >= {{ side_messages }}
        and sum(case when is_weekend then 0 else message_count end) >= {{ side_messages }} as has_two_sides
    from residuals
    group by page_name

),

day_hours as (

    select send_hour
    from {{ integer_series(var('first_send_hour'), var('last_send_hour'), 'send_hour') }}

),

{# What an hour is told by another, the less the farther it is. #}
raw_weights as (

    select
        day_hours.send_hour,
        other_hours.send_hour as other_hour,
        exp(
            -(day_hours.send_hour - other_hours.send_hour) * (day_hours.send_hour - other_hours.send_hour)
            / (2e0 * {{ smoothing_hours }} * {{ smoothing_hours }})
        ) as weight
    from day_hours
    cross join day_hours as other_hours

),

hour_weights as (

    select
        send_hour,
        other_hour,
        weight / sum(weight) over (partition by send_hour) as weight
    from raw_weights

),

{# The day's side of the week alone, or all messages: of a page, and of the agency. #}
page_hours as (

    select
        residuals.page_name,
        hour_weights.send_hour,
        {{ exact_sum('hour_weights.weight * residuals.residual_sum') }} as residual_sum,
        {{ exact_sum('hour_weights.weight * residuals.message_count') }} as message_count
    from residuals
    inner join page_sides on residuals.page_name = page_sides.page_name
    inner join hour_weights on residuals.send_hour = hour_weights.other_hour
    where not page_sides.has_two_sides or residuals.is_weekend = {{ is_weekend | lower }}
    group by residuals.page_name, hour_weights.send_hour

),

agency_hours as (

    select
        hour_weights.send_hour,
        {{ exact_sum('hour_weights.weight * residuals.residual_sum') }}
        / nullif({{ exact_sum('hour_weights.weight * residuals.message_count') }}, 0e0) as mean_residual,
        {{ exact_sum(
            'case when residuals.is_weekend = ' ~ (is_weekend | lower)
            ~ ' then hour_weights.weight * residuals.residual_sum end'
        ) }}
        / nullif({{ exact_sum(
            'case when residuals.is_weekend = ' ~ (is_weekend | lower)
            ~ ' then hour_weights.weight * residuals.message_count end'
        ) }}, 0e0) as mean_residual_of_side
    from residuals
    inner join hour_weights on residuals.send_hour = hour_weights.other_hour
    group by hour_weights.send_hour

),

{# Every hour of the sending day; one that nobody has used is worth what those around it are. #}
lifts as (

    select
        creators.page_name,
        creators.schedule_date,
        day_hours.send_hour,
        (
            coalesce(page_hours.residual_sum, 0e0)
            + {{ prior_messages }} * coalesce(
                case
                    when page_sides.has_two_sides then agency_hours.mean_residual_of_side
                    else agency_hours.mean_residual
                end,
                0e0
            )
        ) / (coalesce(page_hours.message_count, 0e0) + {{ prior_messages }}) as hour_lift
    from creators
    cross join day_hours
    left join page_sides on creators.page_name = page_sides.page_name
    left join agency_hours on day_hours.send_hour = agency_hours.send_hour
    left join page_hours
        on
            creators.page_name = page_hours.page_name
            and day_hours.send_hour = page_hours.send_hour

),

ranked_hours as (

    select
        *,
        row_number() over (
            partition by page_name
            order by round(hour_lift, 9) desc, send_hour asc
        ) as hour_rank
    from lifts

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
        ranked_hours.hour_lift,
        row_number() over (partition by ranked_hours.page_name order by ranked_hours.hour_rank asc) as slot_quality_rank
    from best_sets
    inner join ranked_hours
        on
            best_sets.page_name = ranked_hours.page_name
            and (best_sets.hour_set & (1 << (ranked_hours.send_hour - {{ var('first_send_hour') }}))) != 0

)

select * from final
