{#- What is wrong with a list of a restriction: reasons for which its row cannot be used. A control character
    is mostly what JSON makes of a backslash too few (\b), a backslash before a letter one of many too many
    (\\b); either way the pattern never matches. #}
{% macro list_reasons(column, is_patterns=false) %}
    {%- set element = 'element' if is_patterns else clean_text('element') -%}
    {%- set reasons = [
        reject_when('has_' ~ column ~ ' and ' ~ column ~ ' is null', column ~ ' is not a list'),
        reject_when(any_element(column, 'element is null'), column ~ ' has an element that is no text'),
        reject_when(
            any_element(column, matches_pattern(element, text_literal('\\p{Cc}'))),
            column ~ ' has a control character (in JSON a backslash is written twice)'
        ),
    ] -%}
    {%- if is_patterns -%}
        {%- do reasons.append(reject_when(
            any_element(column, matches_pattern('element', text_literal('\\\\\\\\[A-Za-z]'))),
            column ~ ' looks for a backslash before a letter (too many backslashes)'
        )) -%}
    {%- endif -%}
    {{ return(reasons) }}
{% endmacro %}


{#- Whether a condition holds for any element of an array; false for a NULL array. #}
{% macro any_element(array_expression, condition) -%}
    exists (
        select 1
        from {{ unnest_as(array_expression, 'element') }}
        where {{ condition }}
    )
{%- endmacro %}


{#- Whether a list asks for anything: what cannot be read may. #}
{% macro list_restricts(column) -%}
    (has_{{ column }} and {{ column }} is null)
    or {{ any_element(column, "coalesce(trim(element), '?') != ''") }}
{%- endmacro %}


{#- The names of a list as they are compared; what is blank names nothing. #}
{% macro clean_names(array_expression) -%}
    array(
        select {{ clean_text('element') }}
        from {{ unnest_as(array_expression, 'element') }}
        where {{ clean_text('element') }} is not null
        order by 1 asc
    )
{%- endmacro %}


{#- The patterns of a list as they are held against texts: as they stand and, where that differs, without what
    nobody sees, since texts are looked at without it, too. What is blank is no pattern. #}
{% macro pattern_forms(array_expression) -%}
    {%- set seen = nfc(replace_pattern('element', '[' ~ unseen_characters() ~ unseen_joiners() ~ ']', '')) -%}
    array(
        select form
        from {{ unnest_as(array_expression, 'element') }}
        cross join {{ unnest_as(
            'case when element = ' ~ seen ~ ' or ' ~ matches_pattern("''", seen) ~ ' is null'
            ~ ' then [element] else [element, ' ~ seen ~ '] end',
            'form'
        ) }}
        where form != ''
        order by form asc
    )
{%- endmacro %}
