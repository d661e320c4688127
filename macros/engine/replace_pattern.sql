{#- Every match of an RE2 pattern replaced. #}
{% macro replace_pattern(text, pattern, replacement) %}
    {{- return(adapter.dispatch('replace_pattern', 'eros')(text, pattern, replacement)) -}}
{% endmacro %}

{% macro default__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro duckdb__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
