{{ config(tags=['daily']) }}

{#- No message stands twice in the table that people send from. #}
select
    schedule_id,
    time_slot_rank,
    count(*) as row_count
from {{ ref('schedule_recommendations_messages') }}
where scheduled_send_time >= {{ as_of(minus_days=1) }}
group by schedule_id, time_slot_rank
having count(*) > 1
