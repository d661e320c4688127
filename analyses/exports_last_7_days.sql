{#- For whoever hands schedules to people: who exported what in the last 7 days, and what failed.

        dbt show --select exports_last_7_days --limit 200
-#}
with

exports as (

    select * from {{ source('operations', 'schedule_export_log') }}

),

recent as (

    select
        *,
        {{ local_date('export_timestamp') }} as export_date
    from exports
    where {{ hours_between('export_timestamp', current_moment()) }} <= 7 * 24

),

final as (

    select
        export_date,
        export_format,
        exported_by,
        status,
        count(*) as attempts,
        count(distinct schedule_id) as schedules,
        sum(message_count) as messages,
        max(execution_time_seconds) as longest_seconds,
        max(error_message) as an_error
    from recent
    group by export_date, export_format, exported_by, status

)

select * from final
order by export_date desc, export_format asc, exported_by asc, status asc
