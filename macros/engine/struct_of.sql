{#- A struct from a mapping of field name to expression. #}
{% macro struct_of(fields) %}
    {{- return(adapter.dispatch('struct_of', 'eros')(fields)) -}}
{% endmacro %}

{% macro default__struct_of(fields) -%}
    struct({% for name, expression in fields.items() %}{{ expression }} as {{ name }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}

{% macro duckdb__struct_of(fields) -%}
    struct_pack({% for name, expression in fields.items() %}{{ name }} := {{ expression }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
