{#- A date moved by a whole number of days. #}
{% macro add_days(date_expression, days) %}
    {{- return(adapter.dispatch('add_days', 'eros')(date_expression, days)) -}}
{% endmacro %}

{% macro default__add_days(date_expression, days) -%}
    date_add({{ date_expression }}, interval {{ days }} day)
{%- endmacro %}

{% macro duckdb__add_days(date_expression, days) -%}
    ({{ date_expression }} + cast({{ days }} as integer))
{%- endmacro %}
