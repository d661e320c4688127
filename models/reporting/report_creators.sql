{{ config(materialized='view', tags=['daily']) }}

with

volumes as (

    select * from {{ ref('creator_daily_volume') }}

),

plans as (

    select * from {{ ref('creator_day_plan') }}

),

checks as (

    select * from {{ ref('creator_checks') }}

),

recommendations as (

    select * from {{ ref('schedule_recommendations') }}

),

errors as (

    select * from {{ source('operations', 'creator_processing_errors') }}

),

creators as (

    select
        page_name,
        schedule_date
    from recommendations
    union distinct
    select
        page_name,
        schedule_date
    from volumes
    union distinct
    select
        page_name,
        schedule_date
    from checks
    union distinct
    select
        page_name,
        execution_date as schedule_date
    from errors

),

published as (

    select
        page_name,
        schedule_id,
        count(case when message_type = 'PPV' then 1 end) as ppv_published,
        count(case when message_type = 'BUMP' then 1 end) as bump_published
    from {{ ref('schedule_recommendations_messages') }}
    where schedule_is_active
    group by page_name, schedule_id

),

withdrawn as (

    select
        page_name,
        schedule_date,
        count(*) as withdrawn
    from recommendations
    where not is_active
    group by page_name, schedule_date

),

last_errors as (

    select
        page_name,
        execution_date,
        error_message
    from errors
    where true
    qualify row_number() over (partition by page_name, execution_date order by error_time desc, job_id asc) = 1

),

{# The check of the day's last run outweighs the errors of earlier ones. #}
joined as (

    select
        creators.page_name,
        creators.schedule_date,
        volumes.account_size,
        volumes.audience,
        volumes.saturation_factor,
        volumes.holiday_factor,
        volumes.weekly_ppv,
        volumes.weekly_bump,
        volumes.ppv_count,
        volumes.bump_count,
        plans.behavioral_segment,
        plans.revenue_weighted_price,
        checks.budget_pool,
        checks.mid_pool,
        checks.premium_pool,
        checks.bump_pool,
        coalesce(published.ppv_published, 0) as ppv_published,
        coalesce(published.bump_published, 0) as bump_published,
        coalesce(withdrawn.withdrawn, 0) as withdrawn,
        case
            when checks.page_name is null then last_errors.error_message
            else checks.failure_reason
        end as failure_reason
    from creators
    left join volumes
        on creators.page_name = volumes.page_name and creators.schedule_date = volumes.schedule_date
    left join plans
        on creators.page_name = plans.page_name and creators.schedule_date = plans.schedule_date
    left join checks
        on creators.page_name = checks.page_name and creators.schedule_date = checks.schedule_date
    left join published
        on
            creators.page_name = published.page_name
            and {{ schedule_id('creators.page_name', 'creators.schedule_date') }} = published.schedule_id
    left join withdrawn
        on creators.page_name = withdrawn.page_name and creators.schedule_date = withdrawn.schedule_date
    left join last_errors
        on creators.page_name = last_errors.page_name and creators.schedule_date = last_errors.execution_date

),

final as (

    select
        *,
        case
            when ppv_published + bump_published + withdrawn > 0 then 'scheduled'
            when failure_reason is not null then 'left_out'
            when ppv_count + bump_count = 0 then 'nothing_due'
            else 'not_published'
        end as state
    from joined

)

select * from final
