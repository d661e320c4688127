{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['schedule_id', 'time_slot_rank'],
        partition_by={'field': 'scheduled_send_time', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['page_name', 'schedule_id'],
        full_refresh=false,
        meta={'merges_recent_dates_only': true},
        post_hook="{{ withdraw_inactive_messages() }}"
    )
}}

with

recommendations as (

    select * from {{ ref('schedule_recommendations') }}
    where
        is_active
    {%- if is_incremental() %}
        and schedule_date >= {{ execution_date(-var('message_lookback_days')) }}
    {%- endif %}

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

legacy_captions as (

    select * from {{ ref('stg_captions') }}

),

stats as (

    select * from {{ ref('caption_bandit_stats') }}

),

{%- if is_incremental() %}

published as (

    select
        schedule_id,
        time_slot_rank
    from {{ this }}
    where scheduled_send_time >= {{ as_of(minus_days=var('message_lookback_days') + 2) }}

),
{%- endif %}

final as (

    select
        recommendations.schedule_id,
        recommendations.page_name,
        {{ weekday_name('recommendations.schedule_date') }} as day_of_week,
        recommendations.scheduled_send_time,
        recommendations.message_type,
        recommendations.caption_id,
        coalesce(caption_bank.caption_text, legacy_captions.caption_text, recommendations.caption_text)
            as caption_text,
        coalesce(caption_bank.price_tier, legacy_captions.price_tier, recommendations.price_tier) as price_tier,
        coalesce(caption_bank.content_category, legacy_captions.content_category, recommendations.content_category)
            as content_category,
        coalesce(caption_bank.has_urgency, legacy_captions.has_urgency, recommendations.has_urgency) as has_urgency,
        stats.avg_conversion_rate as performance_score,
        stats.confidence_lower_bound,
        stats.confidence_upper_bound,
        stats.total_observations,
        stats.last_updated as caption_last_updated,
        recommendations.created_at as schedule_created_at,
        recommendations.is_active as schedule_is_active,
        recommendations.time_slot_rank
    from recommendations
    left join caption_bank on recommendations.caption_id = caption_bank.caption_id
    left join legacy_captions on recommendations.caption_id = legacy_captions.caption_id
    left join stats
        on
            recommendations.page_name = stats.page_name
            and recommendations.caption_id = stats.caption_id
    {%- if is_incremental() %}
    left join published
        on
            recommendations.schedule_id = published.schedule_id
            and recommendations.time_slot_rank = published.time_slot_rank
    where published.schedule_id is null
    {%- endif %}

)

select * from final
