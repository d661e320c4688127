{#- Whether a table, a view or a routine of that name is in the dataset. For run-operations: dbt has listed nothing
    then. #}
{% macro is_there(name) %}
    {{- return(adapter.dispatch('is_there', 'eros')(name)) -}}
{% endmacro %}

{% macro default__is_there(name) %}
    {%- set dataset = '`' ~ target.database ~ '`.`' ~ target.schema ~ '`.INFORMATION_SCHEMA' -%}
    {{- return(run_query(
        "select table_name from " ~ dataset ~ ".TABLES where table_name = '" ~ name ~ "'"
        ~ " union all select routine_name from " ~ dataset ~ ".ROUTINES where routine_name = '" ~ name ~ "'"
    ).rows | length > 0) -}}
{% endmacro %}

{#- Not by the adapter, which would begin a transaction here that nobody ends. #}
{% macro duckdb__is_there(name) %}
    {{- return(run_query(
        "select table_name from information_schema.tables where table_schema = '" ~ target.schema
        ~ "' and table_name = '" ~ name ~ "' union all select function_name from duckdb_functions()"
        ~ " where schema_name = '" ~ target.schema ~ "' and function_name = '" ~ name ~ "'"
    ).rows | length > 0) -}}
{% endmacro %}
