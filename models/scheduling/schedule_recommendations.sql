{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['schedule_id', 'time_slot_rank'],
        partition_by={'field': 'schedule_date', 'data_type': 'date'},
        cluster_by=['schedule_id', 'time_slot_rank'],
        full_refresh=false,
        meta={'merges_recent_dates_only': true},
        post_hook="{{ lock_scheduled_captions() }}"
    )
}}

with

selected as (

    select * from {{ ref('selected_captions') }}
    where
        {#- The run's own day only: a plan of another day may lie here from before. #}
        schedule_date = {{ execution_date() }}
        {#- While anything stops publication nothing is published, whatever command asks for it. #}
        and not exists (select 1 from {{ ref('publication_stops') }})

),

send_hours as (

    select * from {{ ref('creator_send_hours') }}

),

creators as (

    select * from {{ ref('creator_day_plan') }}

),

{# The hours were chosen when the day was planned; a run that goes on later than that, as a retry does,
    uses those of them that are left. #}
hours_left as (

    select
        *,
        row_number() over (partition by page_name order by slot_quality_rank asc) as hour_rank
    from send_hours
    where {{ utc_from_local('schedule_date', 'send_hour') }} > {{ as_of() }}

),

{# The best priced caption goes out at the best hour; free ones take what is left. #}
placed as (

    select
        selected.*,
        creators.account_size,
        hours_left.send_hour,
        hours_left.hour_lift,
        {{ schedule_id('selected.page_name', 'selected.schedule_date') }} as schedule_id
    from selected
    inner join creators
        on
            selected.page_name = creators.page_name
            and selected.schedule_date = creators.schedule_date
    inner join hours_left
        on
            selected.page_name = hours_left.page_name
            and selected.schedule_date = hours_left.schedule_date
            and selected.selection_rank = hours_left.hour_rank

),

final as (

    select
        schedule_id,
        row_number() over (partition by schedule_id order by send_hour asc) as time_slot_rank,
        page_name,
        schedule_date,
        {{ utc_from_local('schedule_date', 'send_hour') }} as scheduled_send_time,
        send_hour,
        case when price_tier = 'bump' then 'BUMP' else 'PPV' end as message_type,
        caption_id,
        caption_text,
        price_tier,
        content_category,
        has_urgency,
        account_size,
        behavioral_segment,
        caption_policy,
        selection_rank,
        tier_rank,
        selection_kind,
        is_dealt_by_draw,
        is_soft_restricted,
        outcome_count,
        page_median_emv,
        quantity,
        posterior_mean,
        posterior_sd,
        opens_lift,
        page_level,
        message_variance,
        exploration_width,
        uniform_draw,
        draw,
        thompson,
        diversity,
        value,
        budget_penalty,
        segment_multiplier,
        score,
        hour_lift,
        true as is_active,
        {{ as_of() }} as created_at
    from placed

)

{# Published is published: a day that has a schedule keeps it, whatever has been learnt since. #}
select * from final
{%- if is_incremental() %}
where
    schedule_id not in (
        select published.schedule_id
        from {{ this }} as published
        where published.schedule_date = {{ execution_date() }}
    )
{%- endif %}
