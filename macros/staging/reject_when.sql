{#- One reason for which an input row cannot be used. #}
{% macro reject_when(condition, reason) -%}
    case when {{ condition }} then '{{ reason }}' end
{%- endmacro %}


{#- The reasons around a column that read_number has read. #}
{% macro number_reasons(column, whole=false, not_negative=false) %}
    {%- set reasons = [
        reject_when(is_unread(column ~ '_number', number_text(column)), column ~ ' is not a number'),
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


{#- The reasons around a whole-number key that must be there, see read_key. #}
{% macro key_reasons(column) %}
    {%- set text = number_text(column) -%}
    {%- set unread = is_unread(column ~ '_typed', text) -%}
    {{ return([
        reject_when(column ~ '_typed is null and ' ~ text ~ ' is null', column ~ ' is missing'),
        reject_when(
            unread ~ ' and ' ~ is_rounded_id(text),
            column ~ ' has lost digits, as in a spreadsheet: export it as text'
        ),
        reject_when(unread ~ ' and not ' ~ is_rounded_id(text), column ~ ' is not a whole number'),
    ]) }}
{% endmacro %}


{#- Whether an id's last digits were lost: 1.23457E+17, or a float beyond 2^53. #}
{% macro is_rounded_id(text) -%}
    (
        {{ replace_pattern(text, '^[+-]?[0-9]+([.,][0-9]+)?[eE][+]?[0-9]+$', '') }} = ''
        or {{ replace_pattern(text, '^[+-]?[0-9]{16,}[.]0*$', '') }} = ''
    )
{%- endmacro %}


{#- The reasons around a time that must be there; the typed column has the same name. #}
{% macro time_reasons(column) %}
    {%- set text = read_text(column ~ '_given') -%}
    {%- set unread = is_unread(column, text) -%}
    {%- set is_short_year = replace_pattern(text, '^[0-9]{1,2}[-./ ][0-9]{1,2}[-./ ][0-9]{1,2}([^0-9].*)?$', '') ~ " = ''" -%}
    {%- set is_zone_name = replace_pattern(text, '^[0-9]{4}-.*[0-9] ?[A-Za-z][A-Za-z_/]+$', '') ~ " = ''" -%}
    {{ return([
        reject_when(column ~ ' is null and ' ~ text ~ ' is null', column ~ ' is missing'),
        reject_when(unread ~ ' and ' ~ is_short_year, column ~ ' has a year of two digits'),
        reject_when(unread ~ ' and ' ~ is_zone_name, column ~ ' names a time zone other than UTC and GMT'),
        reject_when(unread ~ ' and not ' ~ is_short_year ~ ' and not ' ~ is_zone_name, column ~ ' is not a time'),
        reject_when(
            column ~ " < timestamp '" ~ var('earliest_year') ~ "-01-01 00:00:00'",
            column ~ ' is before ' ~ var('earliest_year')
        ),
    ]) }}
{% endmacro %}


{#- Two readings of an input column: what was given, and the number behind it. #}
{% macro read_number(column) -%}
    {{ column }} as {{ column }}_given,
    {{ number_in(column) }} as {{ column }}_number
{%- endmacro %}


{#- The number in an input column; NULL when there is none, or NaN. #}
{% macro number_in(column) -%}
    {{ nan_as_null(try_cast_as(column, 'float64')) }}
{%- endmacro %}


{#- Two readings of an input column with an id: what was given, and the whole number behind it. #}
{% macro read_key(column) -%}
    {{ column }} as {{ column }}_given,
    {{ read_id(column) }} as {{ column }}_typed
{%- endmacro %}


{#- Whether a value was given that could not be read. The text is asked for last: making one of every value
    costs more than all other checks together, and next to none is needed. #}
{% macro is_unread(typed, text) -%}
    {{ typed }} is null and {{ text }} is not null
{%- endmacro %}


{#- The text of what read_number or read_key were given; NULL when it is blank or NaN. #}
{% macro number_text(column) -%}
    nullif(nullif({{ read_text(column ~ '_given') }}, 'nan'), 'NaN')
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
