{#- The whole number that hexadecimal digits spell (fewer than 16 of them). #}
{% macro integer_from_hex(digits) -%}
    cast('0x' || {{ digits }} as int64)
{%- endmacro %}
