{{ config(tags=['daily']) }}

{#- Every message goes out on its own local day, at the full local hour that the row says, from 08:00
    to 23:00, also on the days when the clocks change; what this run published, after as_of. #}
select
    schedule_id,
    time_slot_rank,
    schedule_date,
    send_hour,
    scheduled_send_time
from {{ ref('schedule_recommendations') }}
where
    schedule_date >= {{ execution_date() }}
    and not coalesce(
        send_hour between {{ var('first_send_hour') }} and {{ var('last_send_hour') }}
        and {{ local_hour('scheduled_send_time') }} = send_hour
        and {{ local_date('scheduled_send_time') }} = schedule_date
        and scheduled_send_time = {{ utc_from_local('schedule_date', 'send_hour') }}
        and (created_at != {{ as_of() }} or scheduled_send_time > created_at),
        false
    )
