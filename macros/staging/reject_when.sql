{#- One reason for which an input row cannot be used. #}
{% macro reject_when(condition, reason) -%}
    case when {{ condition }} then '{{ reason }}' end
{%- endmacro %}


{#- The reasons around one number column. `raw` is the text that was read, the typed column has the
    same name: a text with no number behind it did not cast. #}
{% macro number_reasons(column, whole=false, not_negative=false) %}
    {%- set reasons = [
        reject_when(column ~ '_text is not null and ' ~ column ~ '_number is null', column ~ ' is not a number'),
        reject_when('not ' ~ is_finite(column ~ '_number'), column ~ ' is not a finite number'),
        reject_when('abs(' ~ column ~ '_number) > 1e12 and ' ~ is_finite(column ~ '_number'), column ~ ' is beyond 1e12'),
    ] -%}
    {%- if whole -%}
        {%- do reasons.append(reject_when(
            column ~ '_number != floor(' ~ column ~ '_number) and ' ~ is_finite(column ~ '_number'),
            column ~ ' is not a whole number'
        )) -%}
    {%- endif -%}
    {%- if not_negative -%}
        {%- do reasons.append(reject_when(column ~ '_number < 0', column ~ ' is negative')) -%}
    {%- endif -%}
    {{ return(reasons) }}
{% endmacro %}


{#- The reasons around a whole-number key that must be there. #}
{% macro key_reasons(column) %}
    {{ return([
        reject_when(column ~ '_text is null', column ~ ' is missing'),
        reject_when(
            column ~ '_text is not null and (' ~ column ~ '_typed is null or ' ~ column ~ '_number is null or '
            ~ column ~ '_number != floor(' ~ column ~ '_number))',
            column ~ ' is not a whole number'
        ),
    ]) }}
{% endmacro %}


{#- Three readings of one input column: the text (NULL when blank), and the number behind it. #}
{% macro read_number(column) -%}
    {{ read_text(column) }} as {{ column }}_text,
    {{ try_cast_as(column, 'float64') }} as {{ column }}_number
{%- endmacro %}


{% macro read_text(column) -%}
    nullif(trim(cast({{ column }} as string)), '')
{%- endmacro %}
