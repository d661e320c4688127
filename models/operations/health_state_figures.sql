{{ config(materialized='view', tags=['performance', 'daily']) }}

{%- set moment = current_moment() %}

with

assignments as (

    select * from {{ source('operations', 'active_caption_assignments') }}

),

sweeps as (

    select * from {{ source('operations', 'lock_sweep_log') }}

),

alerts as (

    select * from {{ source('operations', 'automation_alerts') }}

),

deliveries as (

    select * from {{ source('operations', 'alert_deliveries') }}

),

undelivered as (

    select
        alert_id,
        channel
    from deliveries
    where
        {{ hours_between('attempted_at', moment) }} <= 72
        and alert_id in (
            select alerts.alert_id
            from alerts
            where not coalesce(alerts.acknowledged, false)
        )
    group by alert_id, channel
    having count(case when is_delivered then 1 end) = 0

),

final as (

    select
        'active_locks' as check_name,
        cast(count(*) as float64) as figure
    from assignments
    where is_active

    union all

    select
        'lock_sweep' as check_name,
        cast(coalesce(max(total_locks_cleaned), 0) as float64) as figure
    from sweeps
    where {{ hours_between('sweep_time', moment) }} <= 24

    union all

    select
        'unacknowledged_alerts' as check_name,
        cast(count(*) as float64) as figure
    from alerts
    where alert_level = 'CRITICAL' and not coalesce(acknowledged, false)

    union all

    select
        'alert_delivery' as check_name,
        cast(count(*) as float64) as figure
    from undelivered

)

select * from final
