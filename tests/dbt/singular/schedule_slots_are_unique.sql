{{ config(tags=['daily']) }}

{#- A day's messages are numbered 1, 2, 3… without doubles or holes. #}
select
    schedule_id,
    count(*) as message_count,
    count(distinct time_slot_rank) as rank_count,
    max(time_slot_rank) as last_rank
from {{ ref('schedule_recommendations') }}
where schedule_date >= {{ execution_date() }}
group by schedule_id
having count(*) != count(distinct time_slot_rank) or max(time_slot_rank) != count(*)
