{#- A cast that gives NULL where the value does not fit. #}
{% macro try_cast_as(expression, type) %}
    {{- return(adapter.dispatch('try_cast_as', 'eros')(expression, type)) -}}
{% endmacro %}

{% macro default__try_cast_as(expression, type) -%}
    safe_cast({{ expression }} as {{ type }})
{%- endmacro %}

{#- DuckDB's timestamps have no zone: a text's offset would be dropped unread. #}
{% macro duckdb__try_cast_as(expression, type) -%}
    {%- if type == 'timestamp' -%}
    timezone('UTC', try_cast({{ expression }} as timestamptz))
    {%- else -%}
    try_cast({{ expression }} as {{ type }})
    {%- endif -%}
{%- endmacro %}
