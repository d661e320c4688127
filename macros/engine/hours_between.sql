{#- The hours from one timestamp to another, a FLOAT64. #}
{% macro hours_between(earlier, later) %}
    {{- return(adapter.dispatch('hours_between', 'eros')(earlier, later)) -}}
{% endmacro %}

{% macro default__hours_between(earlier, later) -%}
    timestamp_diff({{ later }}, {{ earlier }}, second) / 3600
{%- endmacro %}

{% macro duckdb__hours_between(earlier, later) -%}
    (epoch_us({{ later }}) - epoch_us({{ earlier }})) // 1000000 / 3600
{%- endmacro %}
