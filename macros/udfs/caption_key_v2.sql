{#- The identity of a text: SHA-256 of its letters, marks, numbers and underscores in any script,
    lower case, single blanks between words. A text of which nothing is left (only emoji) is keyed
    by itself, so that two of them differ. #}
{% macro deploy_caption_key_v2() %}
    {{- return(create_function('caption_key_v2', ['message STRING'], 'STRING', caption_key_expression('message'))) -}}
{% endmacro %}


{#- The body, rendered into every function that needs it: a function's body may not call another
    user function on every engine that we run. #}
{% macro caption_key_expression(message) -%}
    {#- The two letters that engines lower in different ways are lowered first, one to one. -#}
    {%- set white_space = '[\\s\\x0b\\x{85}\\p{Z}]' -%}
    {#- A single blank is left alone: replacing each by itself is what would cost the most. -#}
    {%- set other_than_blank = '[\\t-\\r\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}]' -%}
    {%- set words = "trim(" ~ replace_pattern(
            replace_pattern(
                "lower(replace(replace(" ~ nfc(message) ~ ", 'İ', 'i'), 'Σ', 'σ'))",
                '[^\\p{L}\\p{M}\\p{N}_\\s\\x0b\\x{85}\\p{Z}]',
                ''
            ),
            white_space ~ '{2,}|' ~ other_than_blank,
            ' '
        ) ~ ")" -%}
    {%- set raw = replace_pattern(message, '^' ~ white_space ~ '+|' ~ white_space ~ '+$', '') -%}
    {{ hex_sha256("coalesce(nullif(" ~ words ~ ", ''), " ~ raw ~ ")") }}
{%- endmacro %}
