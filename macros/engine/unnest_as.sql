{#- The elements of an array column as a joinable relation with one column of the given name. #}
{% macro unnest_as(array_expression, column_name) %}
    {{- return(adapter.dispatch('unnest_as', 'eros')(array_expression, column_name)) -}}
{% endmacro %}

{% macro default__unnest_as(array_expression, column_name) -%}
    unnest({{ array_expression }}) as {{ column_name }}
{%- endmacro %}

{% macro duckdb__unnest_as(array_expression, column_name) -%}
    unnest({{ array_expression }}) as unnested_{{ column_name }} ({{ column_name }})
{%- endmacro %}
