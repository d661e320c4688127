{{ config(materialized='view', tags=['daily']) }}

with

counted as (

    select
        page_name,
        schedule_date as day,
        ppv_count + bump_count as planned,
        cast(null as int64) as published,
        cast(null as int64) as sent
    from {{ ref('creator_daily_volume') }}

    union all

    select
        page_name,
        schedule_date as day,
        cast(null as int64) as planned,
        1 as published,
        cast(null as int64) as sent
    from {{ ref('schedule_recommendations') }}
    where is_active

    union all

    select
        page_name,
        sending_date as day,
        cast(null as int64) as planned,
        cast(null as int64) as published,
        message_count as sent
    from {{ ref('page_daily_activity') }}

),

each_and_all as (

    select * from counted
    union all
    select
        cast(null as string) as page_name,
        day,
        planned,
        published,
        sent
    from counted

),

final as (

    select
        page_name,
        day,
        cast(sum(planned) as int64) as planned,
        cast(sum(published) as int64) as published,
        cast(sum(sent) as int64) as sent
    from each_and_all
    group by page_name, day

)

select * from final
