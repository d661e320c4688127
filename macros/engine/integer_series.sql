{#- A relation of whole numbers, both ends included, in one column of the given name. #}
{% macro integer_series(first, last, column_name) %}
    {{- return(adapter.dispatch('integer_series', 'eros')(first, last, column_name)) -}}
{% endmacro %}

{% macro default__integer_series(first, last, column_name) -%}
    unnest(generate_array({{ first }}, {{ last }})) as {{ column_name }}
{%- endmacro %}

{% macro duckdb__integer_series(first, last, column_name) -%}
    generate_series({{ first }}, {{ last }}) as series_{{ column_name }} ({{ column_name }})
{%- endmacro %}
