{#- The 64-bit whole number that a value of an input column means: digits, or a float that is exact. NULL for
    anything else, such as digits that a spreadsheet has rounded (see is_rounded_id). #}
{% macro read_id(column) %}
    {{- return(adapter.dispatch('read_id', 'eros')(column)) -}}
{% endmacro %}

{% macro default__read_id(column) -%}
    {%- set text = read_text(column) -%}
    case
        when {{ replace_pattern(text, '^[+-]?[0-9]+$', '') }} = '' then {{ try_cast_as(text, 'int64') }}
        when
            {{ replace_pattern(text, '^[+-]?[0-9]+[.]0*$', '') }} = ''
            and abs({{ try_cast_as(text, 'float64') }}) <= 9007199254740992
            then cast({{ try_cast_as(text, 'float64') }} as int64)
    end
{%- endmacro %}

{#- A column of whole numbers is not taken through a text; DuckDB decides that once, not for each row. #}
{% macro duckdb__read_id(column) -%}
    case
        when typeof({{ column }}) in ('BIGINT', 'INTEGER', 'SMALLINT', 'TINYINT') then try_cast({{ column }} as bigint)
        else {{ eros.default__read_id(column) }}
    end
{%- endmacro %}
