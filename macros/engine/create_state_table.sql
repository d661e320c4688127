{#- A table that hooks own, if it is not there yet. #}
{% macro create_state_table(table) %}
    {{- return(adapter.dispatch('create_state_table', 'eros')(table)) -}}
{% endmacro %}

{% macro default__create_state_table(table) -%}
    create table if not exists {{ api.Relation.create(target.database, target.schema, table.name) }} (
        {{ table.columns | join(',\n        ') }}
    )
    {%- if table.partition_by %}
    partition by {{ table.partition_by }}
    {%- endif %}
    cluster by {{ table.cluster_by | join(', ') }}
    {%- if table.expiration_days %}
    options (partition_expiration_days = {{ table.expiration_days }})
    {%- endif %}
{%- endmacro %}

{% macro duckdb__create_state_table(table) -%}
    create table if not exists {{ api.Relation.create(target.database, target.schema, table.name) }} (
        {{ table.columns | join(',\n        ') }}
    )
{%- endmacro %}
