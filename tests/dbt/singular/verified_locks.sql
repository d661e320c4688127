{{ config(tags=['verify'], fail_calc='sum(wrong)') }}

{#- Every active recommendation of the newest day has its lock, released since or not. -#}
with

newest as (

    select max(schedule_date) as day from {{ ref('schedule_recommendations') }}

),

recommendations as (

    select *
    from {{ ref('schedule_recommendations') }}
    where is_active and send_hour is not null and schedule_date in (select newest.day from newest)

),

locks as (

    select distinct
        schedule_id,
        caption_id,
        scheduled_send_hour
    from {{ source('operations', 'active_caption_assignments') }}
    where scheduled_send_date in (select newest.day from newest)

)

select
    (select newest.day from newest) as day,
    count(*) as messages,
    count(case when locks.caption_id is null then 1 end) as wrong
from recommendations
left join locks
    on
        recommendations.schedule_id = locks.schedule_id
        and recommendations.caption_id = locks.caption_id
        and recommendations.send_hour = locks.scheduled_send_hour
