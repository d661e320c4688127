{{ config(materialized='view', tags=['performance', 'daily']) }}

{%- set moment = current_moment() %}

with

alerts as (

    select * from {{ source('operations', 'automation_alerts') }}

),

deliveries as (

    select * from {{ source('operations', 'alert_deliveries') }}

),

health as (

    select * from {{ ref('health_checks') }}

),

channels as (

    select 'webhook' as channel
    union all
    select 'email' as channel

),

delivered as (

    select
        alerts.alert_id,
        alerts.alert_level,
        alerts.alert_source,
        alerts.alert_message,
        alerts.acknowledged_by,
        deliveries.channel,
        deliveries.attempted_at
    from deliveries
    inner join alerts on deliveries.alert_id = alerts.alert_id
    where deliveries.is_delivered

),

{# What an adopted dataset has of old, nobody waits for. #}
open_alerts as (

    select *
    from alerts
    where
        not coalesce(acknowledged, false)
        and alert_level in ('WARNING', 'CRITICAL')
        and {{ hours_between('alert_time', moment) }} <= {{ var('alert_delivery_hours') }}

),

waiting as (

    select
        open_alerts.*,
        channels.channel
    from open_alerts
    cross join channels
    where not exists (
        select 1
        from delivered
        where
            delivered.channel = channels.channel
            and (
                delivered.alert_id = open_alerts.alert_id
                {#- A run that is tried again fails with the same words; what recovered and is there again is
                    new. #}
                or (
                    delivered.acknowledged_by is distinct from 'recovered'
                    and delivered.alert_level = open_alerts.alert_level
                    and delivered.alert_source = open_alerts.alert_source
                    and delivered.alert_message = open_alerts.alert_message
                    and {{ hours_between('delivered.attempted_at', moment) }} <= {{ var('alert_repeat_hours') }}
                )
            )
    )

),

{# Of several that say the same and wait together, the first goes out. #}
first_of_their_kind as (

    select
        *,
        row_number() over (
            partition by channel, alert_level, alert_source, alert_message
            order by alert_time, alert_id
        ) as position
    from waiting

),

final as (

    select
        queued.alert_id,
        queued.channel,
        queued.alert_time,
        queued.alert_level,
        queued.alert_source,
        queued.alert_message,
        queued.job_id,
        coalesce(health.owner, 'platform') as owner,
        coalesce(health.detail_table, 'automation_alerts') as detail_table,
        coalesce(health.next_step, '`eros alerts`, then `eros alerts ack ID`') as next_step
    from first_of_their_kind as queued
    left join health on queued.alert_source = health.check_name
    where queued.position = 1

)

select * from final
