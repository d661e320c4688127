{#- The value of the row with the greatest (first_key, second_key), as an aggregate. #}
{% macro latest_value(expression, first_key, second_key) %}
    {{- return(adapter.dispatch('latest_value', 'eros')(expression, first_key, second_key)) -}}
{% endmacro %}

{% macro default__latest_value(expression, first_key, second_key) -%}
    array_agg({{ expression }} order by {{ first_key }} desc, {{ second_key }} desc limit 1)[offset(0)]
{%- endmacro %}

{% macro duckdb__latest_value(expression, first_key, second_key) -%}
    arg_max({{ expression }}, row({{ first_key }}, {{ second_key }}))
{%- endmacro %}
