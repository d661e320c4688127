{{ config(materialized='view', tags=['performance']) }}

with

outcomes as (

    select * from {{ ref('recommendation_outcomes') }}

),

unplanned as (

    select * from {{ ref('unplanned_messages') }}

),

counted as (
    {% for window_days in [30, 90] %}
    select
        {{ window_days }} as window_days,
        page_name,
        status,
        1 as number_of
    from outcomes
    where schedule_date >= {{ execution_date(1 - window_days) }}

    union all

    select
        {{ window_days }} as window_days,
        page_name,
        'unplanned' as status,
        unplanned_count as number_of
    from unplanned
    where sending_date >= {{ execution_date(1 - window_days) }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

each_and_all as (

    select
        window_days,
        page_name,
        status,
        number_of
    from counted

    union all

    select
        window_days,
        cast(null as string) as page_name,
        status,
        number_of
    from counted

),

final as (

    select
        cast(window_days as int64) as window_days,
        page_name,
        cast(sum(case when status = 'sent' then number_of else 0 end) as int64) as sent,
        cast(sum(case when status = 'other text' then number_of else 0 end) as int64) as other_text,
        cast(sum(case when status = 'not sent' then number_of else 0 end) as int64) as not_sent,
        cast(sum(case when status = 'withdrawn' then number_of else 0 end) as int64) as withdrawn,
        cast(sum(case when status = 'pending' then number_of else 0 end) as int64) as pending,
        cast(sum(case when status = 'unplanned' then number_of else 0 end) as int64) as unplanned
    from each_and_all
    group by window_days, page_name

)

select * from final
