{#- When a sweep takes place, a Python datetime in UTC: as_of, but not in the future. The plan of a later
    day that somebody makes in advance releases nothing of the days until then. #}
{% macro sweep_moment() %}
    {{ return([as_of_datetime(), run_started_at.astimezone(modules.pytz.utc)] | min) }}
{% endmacro %}


{#- The local date of the sweep as a SQL literal, moved by whole days. #}
{% macro sweep_date(plus_days=0) %}
    {%- set day = sweep_moment().astimezone(modules.pytz.timezone(var('timezone'))).date() -%}
    date '{{ (day + modules.datetime.timedelta(days=plus_days)).isoformat() }}'
{%- endmacro %}


{#- Pre-hook of caption_lock_summary: releases the locks whose day has passed. #}
{% macro sweep_expired_caption_locks() -%}
    update {{ source('operations', 'active_caption_assignments').render() }}
    set
        is_active = false,
        deactivated_at = {{ timestamp_literal(sweep_moment()) }},
        deactivation_reason = case
            when scheduled_send_date < {{ sweep_date(-7) }} then 'STALE_7DAY'
            else 'PAST_SEND_DATE'
        end
    where is_active and scheduled_send_date < {{ sweep_date() }}
{%- endmacro %}


{#- The second pre-hook, in the same transaction: one row per sweep with what it really changed. Its
    duration is filled in when the run closes. #}
{% macro log_lock_sweep() -%}
    insert into {{ source('operations', 'lock_sweep_log').render() }} (
        sweep_id, sweep_time, locks_expired_stale, locks_expired_past_date, total_locks_cleaned
    )
    select
        '{{ invocation_id }}',
        {{ timestamp_literal(sweep_moment()) }},
        count(case when deactivation_reason = 'STALE_7DAY' then 1 end),
        count(case when deactivation_reason = 'PAST_SEND_DATE' then 1 end),
        count(*)
    from {{ source('operations', 'active_caption_assignments') }}
    where
        deactivated_at = {{ timestamp_literal(sweep_moment()) }}
        and deactivation_reason in ('STALE_7DAY', 'PAST_SEND_DATE')
        and not exists (
            select 1 from {{ source('operations', 'lock_sweep_log') }} where sweep_time = {{ timestamp_literal(sweep_moment()) }}
        )
    having count(*) > 0 or not exists (
        select 1 from {{ source('operations', 'lock_sweep_log') }} where sweep_time = {{ timestamp_literal(sweep_moment()) }}
    )
{%- endmacro %}
