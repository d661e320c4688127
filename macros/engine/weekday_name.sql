{#- The English name of a date's weekday. #}
{% macro weekday_name(date_expression) %}
    {{- return(adapter.dispatch('weekday_name', 'eros')(date_expression)) -}}
{% endmacro %}

{% macro default__weekday_name(date_expression) -%}
    format_date('%A', {{ date_expression }})
{%- endmacro %}

{% macro duckdb__weekday_name(date_expression) -%}
    dayname({{ date_expression }})
{%- endmacro %}
