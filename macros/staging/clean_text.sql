{#- A name as it is compared: page names, tiers, categories, scopes, statuses. White space of every kind is
    a blank, blanks at the ends and what nobody sees go, and case does not matter. NULL for nothing left.
    The plain names that almost every row has are not taken through it: that would cost most of a read. #}
{% macro clean_text(text) -%}
    case
        when {{ replace_pattern(text, '^[!-~]+$', '') }} = '' then nullif(lower({{ text }}), '')
        else nullif(trim({{ replace_pattern(
            replace_pattern(
                "lower(replace(replace(" ~ nfc(text) ~ ", 'İ', 'i'), 'Σ', 'σ'))",
                '[' ~ unseen_characters() ~ unseen_joiners() ~ ']',
                ''
            ),
            '[\\s\\x0b\\x{85}\\p{Z}]+',
            ' '
        ) }}), '')
    end
{%- endmacro %}


{#- What nobody sees of a text, as the inside of an RE2 class: variation selectors, the keycap, the grapheme
    joiner, fillers, the soft hyphen, zero-width and direction marks, the byte order mark. #}
{% macro unseen_characters() -%}
    \x{fe00}-\x{fe0f}\x{e0100}-\x{e01ef}\x{20e3}\x{34f}\x{3164}\x{115f}\x{1160}\x{ffa0}\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2064}\x{2066}-\x{2069}\x{feff}
{%- endmacro %}


{#- Unseen too, but they make other emoji of the signs that they join: joiners and tag characters. #}
{% macro unseen_joiners() -%}
    \x{200c}\x{200d}\x{e0001}\x{e0020}-\x{e007f}
{%- endmacro %}
