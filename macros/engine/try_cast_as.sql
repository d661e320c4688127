{#- A cast that gives NULL where the value does not fit. #}
{% macro try_cast_as(expression, type) %}
    {{- return(adapter.dispatch('try_cast_as', 'eros')(expression, type)) -}}
{% endmacro %}

{% macro default__try_cast_as(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}

{% macro duckdb__try_cast_as(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}
