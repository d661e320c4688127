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
{% macro release_expired_locks() -%}
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


{#- run-operation: the sweep by itself, for a scheduler that runs no models; caption_lock_summary does the same in
    each of its builds. It leaves the rows that `eros run sweep` leaves, so that health and the next sweep know
    of it. A sweep that dies in between has released and logged nothing, or both. #}
{% macro sweep_expired_caption_locks() %}
    {%- if execute -%}
        {%- if not is_there('active_caption_assignments') -%}
            {% do exceptions.raise_compiler_error(
                "there are no locks to sweep in " ~ target.schema ~ " yet: run `eros run daily` first, or a plain `dbt build`"
            ) %}
        {%- endif -%}
        {%- set began = modules.datetime.datetime.now(modules.pytz.utc) -%}
        {%- do write_log_only() -%}
        {%- do create_operations_tables() -%}
        {%- do run_query(in_one_transaction([release_expired_locks(), log_lock_sweep()])) -%}
        {%- set seconds = (modules.datetime.datetime.now(modules.pytz.utc) - began).total_seconds() -%}
        {%- do run_query(in_one_transaction([
            log_sweep_duration(seconds), raise_lock_alerts(), log_finished_sweep(seconds)
        ])) -%}
        {%- set released = run_query(
            "select coalesce(max(total_locks_cleaned), 0) from " ~ source('operations', 'lock_sweep_log')
            ~ " where sweep_id = '" ~ invocation_id ~ "'"
        ).columns[0].values()[0] -%}
        {%- do log(released ~ ' locks released as of ' ~ sweep_moment().isoformat(), info=true) -%}
    {%- endif -%}
{% endmacro %}


{#- The run of a sweep without models, as it ended. #}
{% macro log_finished_sweep(seconds) -%}
    insert into {{ source('operations', 'etl_job_runs').render() }} (
        job_id, job_name, job_start_time, job_end_time, job_status, execution_date, job_duration_seconds
    )
    values (
        '{{ invocation_id }}', 'sweep', {{ timestamp_literal(run_started_at) }},
        {{ timestamp_literal(modules.datetime.datetime.now(modules.pytz.utc)) }}, 'SUCCESS', {{ execution_date() }},
        {{ seconds }}
    )
{%- endmacro %}
