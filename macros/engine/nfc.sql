{#- A text in Unicode's composed normal form. #}
{% macro nfc(text) %}
    {{- return(adapter.dispatch('nfc', 'eros')(text)) -}}
{% endmacro %}

{% macro default__nfc(text) -%}
    normalize({{ text }}, NFC)
{%- endmacro %}

{% macro duckdb__nfc(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}
