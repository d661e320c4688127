{#- A number, NULL for one that is not a number: pandas writes NaN for what is missing. #}
{% macro nan_as_null(expression) %}
    {{- return(adapter.dispatch('nan_as_null', 'eros')(expression)) -}}
{% endmacro %}

{% macro default__nan_as_null(expression) -%}
    if(is_nan({{ expression }}), null, {{ expression }})
{%- endmacro %}

{% macro duckdb__nan_as_null(expression) -%}
    nullif({{ expression }}, cast('nan' as double))
{%- endmacro %}
