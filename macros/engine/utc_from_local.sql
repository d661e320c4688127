{#- The timestamp at which the agency's wall clock shows this date and full hour. #}
{% macro utc_from_local(date_expression, hour_expression) %}
    {{- return(adapter.dispatch('utc_from_local', 'eros')(date_expression, hour_expression)) -}}
{% endmacro %}

{% macro default__utc_from_local(date_expression, hour_expression) -%}
    timestamp(
        datetime_add(datetime({{ date_expression }}), interval {{ hour_expression }} hour),
        '{{ var("timezone") }}'
    )
{%- endmacro %}

{% macro duckdb__utc_from_local(date_expression, hour_expression) -%}
    timezone(
        'UTC',
        timezone(
            '{{ var("timezone") }}',
            cast({{ date_expression }} as timestamp) + to_hours(cast({{ hour_expression }} as integer))
        )
    )
{%- endmacro %}
