{#- Post-hooks of withdrawn_messages: what this run found forbidden leaves plan, export and locks. The
    recommendation goes last: until then the next run finds the message again and does all of it. #}
{% macro cancel_withdrawn_locks() -%}
    update {{ source('operations', 'active_caption_assignments').render() }} as locks
    set
        is_active = false,
        deactivated_at = {{ as_of() }},
        deactivation_reason = 'CANCELLED_FORBIDDEN'
    where
        is_active
        and scheduled_send_date >= {{ execution_date(-1) }}
        and {{ is_withdrawn('locks', 'caption_id') }}
{%- endmacro %}


{% macro delete_withdrawn_messages() -%}
    {%- set messages = adapter.get_relation(target.database, target.schema, 'schedule_recommendations_messages') -%}
    {%- if messages -%}
    delete from {{ messages }} as messages
    where
        messages.scheduled_send_time > {{ as_of() }}
        and {{ is_withdrawn('messages', 'time_slot_rank') }}
    {%- endif -%}
{%- endmacro %}


{% macro deactivate_withdrawn_recommendations() -%}
    {%- set recommendations = adapter.get_relation(target.database, target.schema, 'schedule_recommendations') -%}
    {%- if recommendations -%}
    update {{ recommendations }} as recommendations
    set is_active = false
    where
        is_active
        and schedule_date >= {{ execution_date(-1) }}
        and {{ is_withdrawn('recommendations', 'time_slot_rank') }}
    {%- endif -%}
{%- endmacro %}


{#- Whether this run withdraws the message of a row, known by its schedule and one more column. #}
{% macro is_withdrawn(rows, column) -%}
    exists (
            select 1
            from {{ this }} as withdrawn
            where
                withdrawn.job_id = '{{ invocation_id }}'
                and withdrawn.schedule_id = {{ rows }}.schedule_id
                and withdrawn.{{ column }} = {{ rows }}.{{ column }}
        )
{%- endmacro %}


{% macro raise_withdrawal_alert() -%}
    insert into {{ source('operations', 'automation_alerts').render() }} (
        alert_id, alert_time, alert_level, alert_source, alert_message, job_id, acknowledged
    )
    select
        {{ hex_sha256("'" ~ invocation_id ~ "|withdrawn_messages'") }},
        {{ timestamp_literal(run_started_at) }},
        'CRITICAL',
        'withdrawn_messages',
        cast(count(*) as string) || ' published messages were withdrawn before they went out, for example '
        || min(schedule_id || ' slot ' || cast(time_slot_rank as string) || ': ' || reason)
        || '; all are in withdrawn_messages: take out of the sending tool what was exported already',
        '{{ invocation_id }}',
        false
    from {{ this }}
    where job_id = '{{ invocation_id }}'
    having count(*) > 0
{%- endmacro %}
