{#- A persistent table function. Arguments are given as 'name TYPE'. #}
{% macro create_table_function(name, arguments, query) %}
    {{- return(adapter.dispatch('create_table_function', 'eros')(name, arguments, query)) -}}
{% endmacro %}

{% macro default__create_table_function(name, arguments, query) -%}
    create or replace table function {{ function_name(name) }} ({{ arguments | join(', ') }})
    as (
        {{ query }}
    )
{%- endmacro %}

{% macro duckdb__create_table_function(name, arguments, query) -%}
    {%- set names = [] -%}
    {%- for argument in arguments -%}
        {%- do names.append(argument.split(' ')[0]) -%}
    {%- endfor -%}
    create or replace macro {{ function_name(name) }} ({{ names | join(', ') }}) as table (
        {{ without_catalogue(query) }}
    )
{%- endmacro %}
