{{ config(tags=['daily']) }}

{#- Every message of the day's schedules holds its lock, under the key that other tools compute. #}
select
    recommendations.schedule_id,
    recommendations.time_slot_rank,
    recommendations.caption_id
from {{ ref('schedule_recommendations') }} as recommendations
left join {{ source('operations', 'active_caption_assignments') }} as locks
    on
        recommendations.schedule_id = locks.schedule_id
        and recommendations.schedule_date = locks.scheduled_send_date
        and locks.assignment_key = {{ hex_sha256(
            "recommendations.page_name || '|' || cast(recommendations.caption_id as string) || '|'"
            ~ " || cast(recommendations.schedule_date as string) || '|' || cast(recommendations.send_hour as string)"
        ) }}
where
    recommendations.schedule_date = {{ execution_date() }}
    and recommendations.is_active
    and locks.assignment_key is null
