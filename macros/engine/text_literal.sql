{#- Any text as a SQL string literal. #}
{% macro text_literal(text) %}
    {{- return(adapter.dispatch('text_literal', 'eros')(text)) -}}
{% endmacro %}

{#- BigQuery reads JSON's escapes in a double-quoted literal. #}
{% macro default__text_literal(text) -%}
    {{ tojson(text | string) }}
{%- endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}
