{#- A date's ISO week as text, 2025-W01: it begins on Monday, and the first of a year is that of its first Thursday. #}
{% macro iso_week(date_expression) %}
    {{- return(adapter.dispatch('iso_week', 'eros')(date_expression)) -}}
{% endmacro %}

{% macro default__iso_week(date_expression) -%}
    (
        cast(extract(isoyear from {{ date_expression }}) as string) || '-W'
        || lpad(cast(extract(isoweek from {{ date_expression }}) as string), 2, '0')
    )
{%- endmacro %}

{% macro duckdb__iso_week(date_expression) -%}
    strftime({{ date_expression }}, '%G-W%V')
{%- endmacro %}
