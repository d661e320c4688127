{#- Lower-case hexadecimal digests of a text's UTF-8 bytes. #}
{% macro hex_sha256(text) %}
    {{- return(adapter.dispatch('hex_sha256', 'eros')(text)) -}}
{% endmacro %}

{% macro default__hex_sha256(text) -%}
    to_hex(sha256({{ text }}))
{%- endmacro %}

{% macro duckdb__hex_sha256(text) -%}
    sha256({{ text }})
{%- endmacro %}


{% macro hex_md5(text) %}
    {{- return(adapter.dispatch('hex_md5', 'eros')(text)) -}}
{% endmacro %}

{% macro default__hex_md5(text) -%}
    to_hex(md5({{ text }}))
{%- endmacro %}

{% macro duckdb__hex_md5(text) -%}
    md5({{ text }})
{%- endmacro %}
