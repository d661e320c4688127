{#- An array of strings from an array column, or on DuckDB also from JSON text (CSV has no arrays). #}
{% macro try_string_array(expression) %}
    {{- return(adapter.dispatch('try_string_array', 'eros')(expression)) -}}
{% endmacro %}

{% macro default__try_string_array(expression) -%}
    {{ expression }}
{%- endmacro %}

{% macro duckdb__try_string_array(expression) -%}
    try(from_json(try_cast({{ expression }} as json), '["VARCHAR"]'))
{%- endmacro %}
