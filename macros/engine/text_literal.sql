{#- Any text as a SQL string literal. #}
{% macro text_literal(text) %}
    {{- return(adapter.dispatch('text_literal', 'eros')(text)) -}}
{% endmacro %}

{#- Not tojson: it writes a character beyond the basic plane as two escapes, which BigQuery refuses. #}
{% macro default__text_literal(text) -%}
    '{{ text | string | replace('\\', '\\\\') | replace("'", "\\'") | replace('\n', '\\n') | replace('\r', '\\r') }}'
{%- endmacro %}

{% macro duckdb__text_literal(text) -%}
    '{{ text | string | replace("'", "''") }}'
{%- endmacro %}
