{#- The emulator knows no column list in `create table … as`, which BigQuery does: there a contract is
    checked before, by the columns that the query gives, and the list is left out. #}
{% macro bigquery__get_table_columns_and_constraints() %}
    {%- if target.name != 'emulator' -%}
        {{ return(dbt.default__get_table_columns_and_constraints()) }}
    {%- endif -%}
{% endmacro %}
