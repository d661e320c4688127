{#- For whoever is on call: what nobody has taken yet, the gravest and oldest first. `eros alerts` shows
    the same with what to do next.

        dbt show --select unacknowledged_alerts
-#}
with

alerts as (

    select * from {{ source('operations', 'automation_alerts') }}

),

final as (

    select
        alert_level,
        alert_time,
        {{ hours_between('alert_time', current_moment()) }} as hours_open,
        alert_source,
        alert_message,
        job_id,
        alert_id
    from alerts
    where not coalesce(acknowledged, false)

)

select * from final
order by alert_level asc, alert_time asc, alert_id asc
