{#- A table that hooks own, if it is not there yet. #}
{% macro create_state_table(table) %}
    {{- return(adapter.dispatch('create_state_table', 'eros')(table)) -}}
{% endmacro %}

{% macro default__create_state_table(table) -%}
    create table if not exists {{ api.Relation.create(target.database, target.schema, table.name) }} (
        {{ quoted_columns(table.columns) | join(',\n        ') }}
    )
    {%- if table.partition_by %}
    partition by {{ table.partition_by }}
    {%- endif %}
    {%- if table.cluster_by %}
    cluster by {{ table.cluster_by | join(', ') }}
    {%- endif %}
    {%- if table.expiration_days %}
    options (partition_expiration_days = {{ table.expiration_days }})
    {%- endif %}
{%- endmacro %}

{% macro duckdb__create_state_table(table) -%}
    create table if not exists {{ api.Relation.create(target.database, target.schema, table.name) }} (
        {{ quoted_columns(table.columns) | join(',\n        ') }}
    )
{%- endmacro %}


{#- Columns, 'name TYPE', with their names quoted: some are words that BigQuery reserves, such as `rows`. #}
{% macro quoted_columns(columns) %}
    {%- set quoted = [] -%}
    {%- for column in columns -%}
        {%- set name, type = column.split(' ', 1) -%}
        {%- do quoted.append(adapter.quote(name) ~ ' ' ~ type) -%}
    {%- endfor -%}
    {{- return(quoted) -}}
{% endmacro %}
