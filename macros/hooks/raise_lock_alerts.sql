{#- Post-hook of caption_lock_summary, and part of its sweep as an operation: too many locks released at once, or left active. One that is open
    says it already. #}
{% macro raise_lock_alerts() -%}
    insert into {{ source('operations', 'automation_alerts').render() }} (
        alert_id, alert_time, alert_level, alert_source, alert_message, job_id, acknowledged
    )
    select
        {{ hex_sha256("'" ~ invocation_id ~ "|' || source") }},
        {{ timestamp_literal(run_started_at) }},
        level,
        source,
        message,
        '{{ invocation_id }}',
        false
    from (
        select
            'lock_sweep' as source,
            'WARNING' as level,
            'the sweep released ' || cast(total_locks_cleaned as string)
            || ' locks at once: were sweeps missed?' as message
        from {{ source('operations', 'lock_sweep_log') }}
        where sweep_id = '{{ invocation_id }}' and total_locks_cleaned > {{ var('sweep_warning_locks') }}

        union all

        select
            'active_locks' as source,
            case when count(*) >= {{ var('active_locks_critical') }} then 'CRITICAL' else 'WARNING' end
                as level,
            cast(count(*) as string)
            || ' locks are active: look for schedules far ahead in active_caption_assignments' as message
        from {{ source('operations', 'active_caption_assignments') }}
        where is_active
        having count(*) > {{ var('active_locks_warning') }}
    ) as found
    where not exists (
        select 1
        from {{ source('operations', 'automation_alerts') }} as alerts
        where
            alerts.alert_source = found.source
            and alerts.alert_level = found.level
            and {{ is_known_alert(current_moment()) }}
    )
{%- endmacro %}
