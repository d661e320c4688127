{{ config(materialized='view') }}

with

plans as (

    select * from {{ ref('creator_day_plan') }}

),

checks as (

    select * from {{ ref('creator_checks') }}

),

{# As the hours were when the day was published, which may be later than when it was planned. #}
hours_left as (

    select
        page_name,
        schedule_date,
        count(*) as hour_count
    from {{ ref('creator_send_hours') }}
    where {{ utc_from_local('schedule_date', 'send_hour') }} > {{ as_of() }}
    group by page_name, schedule_date

),

stops as (

    select min(reason) as reason
    from {{ ref('publication_stops') }}

),

published as (

    select
        page_name,
        schedule_date,
        count(*) as published_count
    from {{ ref('schedule_recommendations') }}
    where schedule_date >= {{ execution_date() }}
    group by page_name, schedule_date

),

counted as (

    select
        plans.page_name,
        plans.schedule_date,
        coalesce(hours_left.hour_count, 0) as hour_count,
        plans.ppv_count + plans.bump_count as planned_count,
        coalesce(published.published_count, 0) as published_count,
        stops.reason as stop_reason,
        checks.failure_reason
    from plans
    cross join stops
    left join checks on plans.page_name = checks.page_name
    left join hours_left
        on
            plans.page_name = hours_left.page_name
            and plans.schedule_date = hours_left.schedule_date
    left join published
        on
            plans.page_name = published.page_name
            and plans.schedule_date = published.schedule_date

),

{# The first reason alone would have been enough. #}
final as (

    select
        page_name,
        schedule_date,
        planned_count,
        published_count,
        planned_count - published_count as left_out_count,
        case
            when failure_reason is not null then failure_reason
            when published_count = 0 and stop_reason is not null then 'nothing is published: ' || stop_reason
            when hour_count = 0
                then 'no hour is left: the day was planned at {{ planning_time() }}'
            when hour_count < planned_count
                then 'too few hours are left: the day was planned at {{ planning_time() }}'
            else 'too few captions are free in the tiers that the plan asks for'
        end as reason
    from counted
    where planned_count > published_count

)

select * from final
