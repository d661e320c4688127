{#- Statements as one text that happens as a whole or not at all. #}
{% macro in_one_transaction(statements) %}
    {{- return(adapter.dispatch('in_one_transaction', 'eros')(statements)) -}}
{% endmacro %}

{% macro default__in_one_transaction(statements) -%}
    begin transaction;
    {{ statements | join(';\n    ') }};
    commit transaction
{%- endmacro %}

{% macro duckdb__in_one_transaction(statements) -%}
    begin transaction;
    {{ statements | join(';\n    ') }};
    commit
{%- endmacro %}
