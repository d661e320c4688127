{#- Post-hook of creator_checks: who was left out of this run, and why. #}
{% macro record_creator_errors() -%}
    insert into {{ source('operations', 'creator_processing_errors').render() }} (
        job_id, page_name, execution_date, error_message, error_time
    )
    select
        '{{ invocation_id }}',
        page_name,
        schedule_date,
        failure_reason,
        {{ as_of() }}
    from {{ this }}
    where check_status = 'failed'
{%- endmacro %}
