{#- A sum that does not depend on the order of its rows: floating point addition does, and a last
    bit that flips from run to run would look like a change. Terms are taken to nine decimals. #}
{% macro exact_sum(expression) %}
    {{- return(adapter.dispatch('exact_sum', 'eros')(expression)) -}}
{% endmacro %}

{#- The emulator casts to three decimals where BigQuery's NUMERIC has nine; its parser has nine. #}
{% macro default__exact_sum(expression) -%}
    {%- if target.name == 'emulator' -%}
    cast(sum(parse_numeric(cast({{ expression }} as string))) as float64)
    {%- else -%}
    cast(sum(cast({{ expression }} as numeric)) as float64)
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__exact_sum(expression) -%}
    cast(sum(cast({{ expression }} as decimal(38, 9))) as double)
{%- endmacro %}
