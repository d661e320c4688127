{#- Whether a RUNNING row of another run is a lie. A DuckDB file has one writer, so any other run is
    over; BigQuery runs may overlap, so only an old one or an earlier one of the same job is. #}
{% macro is_dead_run() %}
    {{- return(adapter.dispatch('is_dead_run', 'eros')()) -}}
{% endmacro %}

{% macro default__is_dead_run() -%}
    (
        job_name = {{ text_literal(job_name()) }}
        or job_start_time < timestamp_sub({{ timestamp_literal(run_started_at) }}, interval {{ var('stale_run_hours') }} hour)
    )
{%- endmacro %}

{% macro duckdb__is_dead_run() -%}
    true
{%- endmacro %}
