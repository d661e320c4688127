{#- Every match of an RE2 pattern replaced; \1 in the replacement is what its first group matched. #}
{% macro replace_pattern(text, pattern, replacement) %}
    {{- return(adapter.dispatch('replace_pattern', 'eros')(text, pattern, replacement)) -}}
{% endmacro %}

{% macro default__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, r'{{ pattern }}', r'{{ replacement }}')
{%- endmacro %}

{% macro duckdb__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
