{{ config(tags=['daily']) }}

{#- Every active recommendation has its message, and a message without one was withdrawn. #}
with

recommendations as (

    select
        schedule_id,
        time_slot_rank,
        caption_id,
        scheduled_send_time
    from {{ ref('schedule_recommendations') }}
    where is_active and schedule_date >= {{ execution_date(-var('message_lookback_days')) }}

),

messages as (

    select
        schedule_id,
        time_slot_rank,
        caption_id,
        scheduled_send_time
    from {{ ref('schedule_recommendations_messages') }}
    where
        {#- The constant bound keeps BigQuery from reading older partitions; the date decides. #}
        scheduled_send_time >= {{ as_of(minus_days=var('message_lookback_days') + 2) }}
        and {{ local_date('scheduled_send_time') }} >= {{ execution_date(-var('message_lookback_days')) }}

)

select
    coalesce(recommendations.schedule_id, messages.schedule_id) as schedule_id,
    coalesce(recommendations.time_slot_rank, messages.time_slot_rank) as time_slot_rank,
    recommendations.caption_id as recommended_caption_id,
    messages.caption_id as message_caption_id
from recommendations
full outer join messages
    on
        recommendations.schedule_id = messages.schedule_id
        and recommendations.time_slot_rank = messages.time_slot_rank
where
    recommendations.caption_id is distinct from messages.caption_id
    or recommendations.scheduled_send_time is distinct from messages.scheduled_send_time
