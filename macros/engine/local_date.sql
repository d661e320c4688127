{#- The agency's calendar date of a timestamp. #}
{% macro local_date(timestamp_expression) %}
    {{- return(adapter.dispatch('local_date', 'eros')(timestamp_expression)) -}}
{% endmacro %}

{% macro default__local_date(timestamp_expression) -%}
    date({{ timestamp_expression }}, '{{ var("timezone") }}')
{%- endmacro %}

{#- Timestamps on DuckDB are naive and mean UTC. #}
{% macro duckdb__local_date(timestamp_expression) -%}
    cast(timezone('{{ var("timezone") }}', timezone('UTC', {{ timestamp_expression }})) as date)
{%- endmacro %}
