{#- 1 for Monday to 7 for Sunday. #}
{% macro iso_weekday(date_expression) %}
    {{- return(adapter.dispatch('iso_weekday', 'eros')(date_expression)) -}}
{% endmacro %}

{% macro default__iso_weekday(date_expression) -%}
    (mod(extract(dayofweek from {{ date_expression }}) + 5, 7) + 1)
{%- endmacro %}

{% macro duckdb__iso_weekday(date_expression) -%}
    isodow({{ date_expression }})
{%- endmacro %}
