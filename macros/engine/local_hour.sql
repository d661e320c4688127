{#- The hour (0 to 23) on the agency's wall clock of a timestamp. #}
{% macro local_hour(timestamp_expression) %}
    {{- return(adapter.dispatch('local_hour', 'eros')(timestamp_expression)) -}}
{% endmacro %}

{% macro default__local_hour(timestamp_expression) -%}
    extract(hour from {{ timestamp_expression }} at time zone '{{ var("timezone") }}')
{%- endmacro %}

{% macro duckdb__local_hour(timestamp_expression) -%}
    extract(hour from timezone('{{ var("timezone") }}', timezone('UTC', {{ timestamp_expression }})))
{%- endmacro %}
