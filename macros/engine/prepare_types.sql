{#- DuckDB knows BigQuery's other type names but not FLOAT64; with this alias one contract serves
    both engines. #}
{% macro prepare_types() %}
    {{- return(adapter.dispatch('prepare_types', 'eros')()) -}}
{% endmacro %}

{% macro default__prepare_types() %}
{% endmacro %}

{% macro duckdb__prepare_types() %}
    {%- do run_query('create type if not exists FLOAT64 as double') -%}
{% endmacro %}
