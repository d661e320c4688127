{#- A name as it is compared: page names, tiers, categories, scopes, statuses. White space of every kind is
    a blank, blanks at the ends and what nobody sees go, and case does not matter. NULL for nothing left.
    The plain names that almost every row has are not taken through it: that would cost most of a read. #}
{% macro clean_text(text) -%}
    case
        when {{ replace_pattern(text, '^[!-~]+$', '') }} = '' then nullif(lower({{ text }}), '')
        else nullif(trim({{ replace_pattern(
            lower_letters(nfc(replace_pattern(text, '[' ~ unseen_characters() ~ unseen_joiners() ~ ']', ''))),
            white_space() ~ '+',
            ' '
        ) }}), '')
    end
{%- endmacro %}


{#- Lower case, one letter for one: the two letters that engines lower in different ways come first. #}
{% macro lower_letters(text) -%}
    lower(replace(replace({{ text }}, 'İ', 'i'), 'Σ', 'σ'))
{%- endmacro %}


{#- White space of every script, as an RE2 class. #}
{% macro white_space() -%}
    [\s\x0b\x{85}\p{Z}]
{%- endmacro %}


{#- What nobody sees of a text, as the inside of an RE2 class: variation selectors, the keycap, the grapheme
    joiner, fillers, the soft hyphen, zero-width and direction marks, the byte order mark. NUL is one as
    well: what follows it is lost to some engines. #}
{% macro unseen_characters() -%}
    \x{0}\x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}\x{20e3}\x{34f}\x{3164}\x{115f}\x{1160}\x{ffa0}\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{2069}\x{feff}
{%- endmacro %}


{#- Unseen too, but a text's key keeps them: joiners and tag characters make other emoji of the signs that
    they join. With them every other character that formats or controls (white space is left alone), vowels
    without a form and the empty Braille pattern. #}
{% macro unseen_joiners() -%}
    \x{1}-\x{8}\x{e}-\x{1f}\x{7f}-\x{84}\x{86}-\x{9f}\p{Cf}\x{180b}-\x{180f}\x{17b4}\x{17b5}\x{2800}
{%- endmacro %}
