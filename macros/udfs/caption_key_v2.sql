{#- The identity of a text, whoever wrote it and however it was exported: SHA-256 of its letters, marks,
    numbers and underscores in any script, lower case, single blanks between words. A text of which nothing
    is left (only emoji) is keyed by what stood before its signs were dropped, so that two of them differ. #}
{% macro deploy_caption_key_v2() %}
    {{- return(create_function('caption_key_v2', ['message STRING'], 'STRING', caption_key_expression('message'))) -}}
{% endmacro %}


{#- The body, rendered into every function that needs it: a function's body may not call another
    user function on every engine that we run. #}
{% macro caption_key_expression(message) -%}
    {%- set unseen = '[' ~ unseen_characters() ~ ']' -%}
    {%- set seen = lower_letters(nfc(replace_pattern(readable_text(message), unseen, ''))) -%}
    {%- set signs = '[^\\p{L}\\p{M}\\p{N}_\\s\\x0b\\x{85}\\p{Z}]' -%}
    {#- A point between two digits is no sign: 5.00 is not 500. Numbers with points are put back as they are
        found, which takes twice the time of dropping signs, so only texts that may have one go that way. -#}
    {%- set points = '\\p{Nd}' ~ unseen ~ '*\\.' ~ unseen ~ '*\\p{Nd}|&' -%}
    {%- set words = 'case when ' ~ matches_pattern(message, text_literal(points))
        ~ ' then ' ~ replace_pattern(seen, '(\\p{Nd}+(?:\\.\\p{Nd}+)+)|' ~ signs, '\\1')
        ~ ' else ' ~ replace_pattern(seen, signs, '') ~ ' end' -%}
    {{ hex_sha256('coalesce(nullif(' ~ single_blanks(words) ~ ", ''), " ~ single_blanks(seen) ~ ')') }}
{%- endmacro %}


{#- Which rule a key was made by: a digest of the rule itself, so that nobody can forget to count it up. What
    was keyed by another rule is keyed again, see first_reevaluated_date. #}
{% macro caption_key_version() %}
    {{ return(local_md5(caption_key_expression('message'))[:12]) }}
{% endmacro %}


{#- White space collapsed and trimmed. A single blank is left alone: replacing each by itself is what would
    cost the most. #}
{% macro single_blanks(text) -%}
    trim({{ replace_pattern(
        text,
        white_space() ~ '{2,}|[\\t-\\r\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]',
        ' '
    ) }})
{%- endmacro %}
