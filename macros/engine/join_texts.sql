{#- Texts joined by "; ", NULLs left out; NULL when nothing is left. #}
{% macro join_texts(expressions) %}
    {{- return(adapter.dispatch('join_texts', 'eros')(expressions)) -}}
{% endmacro %}

{% macro default__join_texts(expressions) -%}
    nullif(array_to_string([
        {{ expressions | join(',\n        ') }}
    ], '; '), '')
{%- endmacro %}

{% macro duckdb__join_texts(expressions) -%}
    nullif(concat_ws('; ',
        {{ expressions | join(',\n        ') }}
    ), '')
{%- endmacro %}
