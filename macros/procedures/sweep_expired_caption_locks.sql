{#- Pre-hook of caption_lock_summary: releases the locks whose day has passed. #}
{% macro sweep_expired_caption_locks() -%}
    update {{ source('operations', 'active_caption_assignments').render() }}
    set
        is_active = false,
        deactivated_at = {{ as_of() }},
        deactivation_reason = case
            when scheduled_send_date < {{ execution_date(-7) }} then 'STALE_7DAY'
            else 'PAST_SEND_DATE'
        end
    where is_active and scheduled_send_date < {{ execution_date() }}
{%- endmacro %}


{#- The second pre-hook, in the same transaction: one row per sweep with what it really changed. Its
    duration is filled in when the run closes. #}
{% macro log_lock_sweep() -%}
    insert into {{ source('operations', 'lock_sweep_log').render() }} (
        sweep_id, sweep_time, locks_expired_stale, locks_expired_past_date, total_locks_cleaned
    )
    select
        '{{ invocation_id }}',
        {{ as_of() }},
        count(case when deactivation_reason = 'STALE_7DAY' then 1 end),
        count(case when deactivation_reason = 'PAST_SEND_DATE' then 1 end),
        count(*)
    from {{ source('operations', 'active_caption_assignments') }}
    where
        deactivated_at = {{ as_of() }}
        and deactivation_reason in ('STALE_7DAY', 'PAST_SEND_DATE')
        and not exists (
            select 1 from {{ source('operations', 'lock_sweep_log') }} where sweep_time = {{ as_of() }}
        )
    having count(*) > 0 or not exists (
        select 1 from {{ source('operations', 'lock_sweep_log') }} where sweep_time = {{ as_of() }}
    )
{%- endmacro %}
