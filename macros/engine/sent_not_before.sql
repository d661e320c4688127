{#- Keeps the input rows of a date and later, and those whose time is missing or cannot be read. On
    DuckDB the raw column is compared where it is a timestamp, so that Parquet row groups are
    skipped; a cast would hide the column from them. A day of slack covers every time zone. #}
{% macro sent_not_before(relation, column, first_date) %}
    {{- return(adapter.dispatch('sent_not_before', 'eros')(relation, column, first_date)) -}}
{% endmacro %}

{% macro default__sent_not_before(relation, column, first_date) -%}
    ({{ column }} is null or {{ column }} >= timestamp_sub(timestamp({{ first_date }}), interval 1 day))
{%- endmacro %}

{% macro duckdb__sent_not_before(relation, column, first_date) -%}
    {%- set types = {} -%}
    {%- if execute and not relation.is_cte and load_relation(relation) is not none -%}
        {%- for input_column in adapter.get_columns_in_relation(relation) -%}
            {%- do types.update({input_column.name | lower: input_column.dtype | upper}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set moment = column if types.get(column, '').startswith('TIMESTAMP') else read_time(column) -%}
    ({{ moment }} is null or {{ moment }} >= {{ first_date }} - interval 1 day)
{%- endmacro %}
