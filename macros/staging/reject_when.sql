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
            column ~ '_text is not null and ' ~ column ~ '_typed is null and ' ~ is_rounded_id(column ~ '_text'),
            column ~ ' has lost digits, as in a spreadsheet: export it as text'
        ),
        reject_when(
            column ~ '_text is not null and ' ~ column ~ '_typed is null and not ' ~ is_rounded_id(column ~ '_text'),
            column ~ ' is not a whole number'
        ),
    ]) }}
{% endmacro %}


{#- Whether an id's last digits were lost: 1.23457E+17, or a float beyond 2^53. #}
{% macro is_rounded_id(text) -%}
    (
        {{ replace_pattern(text, '^[+-]?[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+$', '') }} = ''
        or {{ replace_pattern(text, '^[+-]?[0-9]{16,}[.]0*$', '') }} = ''
    )
{%- endmacro %}


{#- The reasons around a time; `raw` is the text that was read, the typed column has the same name. #}
{% macro time_reasons(column, text) %}
    {%- set unread = text ~ ' is not null and ' ~ column ~ ' is null' -%}
    {%- set is_short_year = replace_pattern(text, '^[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2}([^0-9].*)?$', '') ~ " = ''" -%}
    {%- set is_zone_name = replace_pattern(text, '^[0-9]{4}-.*[0-9] ?[A-Za-z][A-Za-z_/]+$', '') ~ " = ''" -%}
    {{ return([
        reject_when(unread ~ ' and ' ~ is_short_year, column ~ ' has a year of two digits'),
        reject_when(unread ~ ' and ' ~ is_zone_name, column ~ ' names a time zone other than UTC and GMT'),
        reject_when(unread ~ ' and not ' ~ is_short_year ~ ' and not ' ~ is_zone_name, column ~ ' is not a time'),
        reject_when(
            column ~ " < timestamp '" ~ var('earliest_year') ~ "-01-01 00:00:00'",
            column ~ ' is before ' ~ var('earliest_year')
        ),
    ]) }}
{% endmacro %}


{#- Two readings of one input column: the text (NULL when blank or NaN) and the number behind it. #}
{% macro read_number(column) -%}
    nullif(nullif({{ read_text(column) }}, 'nan'), 'NaN') as {{ column }}_text,
    {{ nan_as_null(try_cast_as(column, 'float64')) }} as {{ column }}_number
{%- endmacro %}


{#- Two readings of an input column with an id: the text (NULL when blank or NaN) and the whole number. #}
{% macro read_key(column) -%}
    nullif(nullif({{ read_text(column) }}, 'nan'), 'NaN') as {{ column }}_text,
    {{ read_id(column) }} as {{ column }}_typed
{%- endmacro %}


{#- A truth value, however programs write it. #}
{% macro read_bool(column) -%}
    {%- set text = clean_text('cast(' ~ column ~ ' as string)') -%}
    case
        when {{ text }} in ('true', 't', 'yes', 'y', '1', '1.0') then true
        when {{ text }} in ('false', 'f', 'no', 'n', '0', '0.0') then false
    end
{%- endmacro %}


{% macro read_text(column) -%}
    nullif(trim(cast({{ column }} as string)), '')
{%- endmacro %}
