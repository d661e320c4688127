{#- Whether an array holds a value; false for a NULL array. #}
{% macro array_has(array_expression, value) %}
    {{- return(adapter.dispatch('array_has', 'eros')(array_expression, value)) -}}
{% endmacro %}

{% macro default__array_has(array_expression, value) -%}
    coalesce({{ value }} in unnest({{ array_expression }}), false)
{%- endmacro %}

{% macro duckdb__array_has(array_expression, value) -%}
    coalesce(list_contains({{ array_expression }}, {{ value }}), false)
{%- endmacro %}
