{#- A persistent SQL function. Arguments are given as 'name TYPE'. #}
{% macro create_function(name, arguments, returns, body) %}
    {{- return(adapter.dispatch('create_function', 'eros')(name, arguments, returns, body)) -}}
{% endmacro %}

{% macro default__create_function(name, arguments, returns, body) -%}
    create or replace function {{ function_name(name) }} ({{ arguments | join(', ') }})
    returns {{ returns }}
    as (
        {{ body }}
    )
{%- endmacro %}

{#- DuckDB's functions are macros: arguments and result carry no types. #}
{% macro duckdb__create_function(name, arguments, returns, body) -%}
    {%- set names = [] -%}
    {%- for argument in arguments -%}
        {%- do names.append(argument.split(' ')[0]) -%}
    {%- endfor -%}
    create or replace macro {{ function_name(name) }} ({{ names | join(', ') }}) as (
        {{ body }}
    )
{%- endmacro %}
