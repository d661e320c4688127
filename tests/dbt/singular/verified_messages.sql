{{ config(tags=['verify'], fail_calc='sum(wrong)') }}

{#- Every active recommendation of the newest day is a message, and nothing else is. -#}
with

newest as (

    select max(schedule_date) as day from {{ ref('schedule_recommendations') }}

),

recommendations as (

    select *
    from {{ ref('schedule_recommendations') }}
    where is_active and send_hour is not null and schedule_date in (select newest.day from newest)

),

messages as (

    select *
    from {{ ref('schedule_recommendations_messages') }}
    where
        schedule_is_active
        and right(schedule_id, 9) in (select '_' || replace(cast(newest.day as string), '-', '') from newest)

)

select
    (select newest.day from newest) as day,
    count(*) as messages,
    count(
        case
            when
                recommendations.caption_id is distinct from messages.caption_id
                or recommendations.scheduled_send_time is distinct from messages.scheduled_send_time
                then 1
        end
    ) as wrong
from recommendations
full outer join messages
    on
        recommendations.schedule_id = messages.schedule_id
        and recommendations.time_slot_rank = messages.time_slot_rank
