{{ config(tags=['daily']) }}

{#- No two messages of a page and day are closer than the gap of the page's size. #}
with

messages as (

    select
        schedule_id,
        account_size,
        scheduled_send_time,
        lag(scheduled_send_time) over (partition by schedule_id order by scheduled_send_time) as previous_send_time
    from {{ ref('schedule_recommendations') }}
    where schedule_date >= {{ execution_date() }} and is_active

),

volume_policy as (

    select * from {{ ref('volume_policy') }}

)

select
    messages.schedule_id,
    messages.previous_send_time,
    messages.scheduled_send_time,
    volume_policy.min_gap_hours
from messages
inner join volume_policy on messages.account_size = volume_policy.account_size
where
    {{ dbt.datediff('messages.previous_send_time', 'messages.scheduled_send_time', 'second') }}
    < 3600 * volume_policy.min_gap_hours
