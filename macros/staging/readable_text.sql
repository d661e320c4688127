{#- A text as a fan reads it: HTML's entities undone once, then its tags replaced. Texts without either are
    taken as they stand. #}
{% macro readable_text(text, tag=' ') -%}
    case
        when strpos({{ text }}, '&') = 0 and strpos({{ text }}, '<') = 0 then {{ text }}
        else {{ replace_pattern(undo_entities(text), html_tag(), tag) }}
    end
{%- endmacro %}


{#- Whether a fan sees anything of a text, NULL for NULL. #}
{% macro can_be_seen(text) -%}
    {{ replace_pattern(
        readable_text(text),
        '^[\\s\\x0b\\x{85}\\p{Z}' ~ unseen_characters() ~ unseen_joiners() ~ ']+',
        ''
    ) }} != ''
{%- endmacro %}


{#- The tag of an HTML element, opening or closing, as an RE2 pattern. The elements are listed, and an end
    has to follow the name: `<menu: $5>`, `<wet>` and `<3` are text. #}
{% macro html_tag() -%}
    (?i)</?(?:a|abbr|b|big|blockquote|br|center|code|div|em|font|h[1-6]|hr|i|img|li|ol|p|pre|s|small|span|strike|strong|sub|sup|table|tbody|td|th|thead|tr|u|ul)(?:{{ white_space() }}[^<>]*)?/?>
{%- endmacro %}


{#- A readable text in plain letters, for patterns: without what nobody sees and without marks, letters of
    every style folded, single blanks between words. Only a text that has such letters goes through the
    table of them, which is slow; an entity may stand for one. #}
{% macro folded_text(text, tag=' ') -%}
    {%- set letters = folded_letters() -%}
    {%- set seen = replace_pattern(
        nfc(replace_pattern(readable_text(text, tag), '[' ~ unseen_characters() ~ unseen_joiners() ~ ']', '')),
        '\\p{M}',
        ''
    ) -%}
    trim({{ replace_pattern(
        'case when ' ~ matches_pattern(text, text_literal('[&' ~ letters.styled ~ ']'))
        ~ ' then translate(' ~ seen ~ ', ' ~ text_literal(letters.styled) ~ ', ' ~ text_literal(letters.plain) ~ ')'
        ~ ' else ' ~ seen ~ ' end',
        white_space() ~ '+',
        ' '
    ) }})
{%- endmacro %}


{#- The forms in which a text is held against a pattern, a list of SQL expressions: a match in any of them
    counts. A tag within a word leaves nothing, one between words a blank. #}
{% macro text_forms(text) %}
    {{ return([text, readable_text(text, ''), folded_text(text, ''), folded_text(text, ' ')]) }}
{% endmacro %}


{#- Every form of the texts of a relation: one row per key and form, as caption_id and caption_text. #}
{% macro caption_forms(relation, key) -%}
    {% for form in text_forms('caption_text') -%}
    select
        {{ key }}{{ ' as caption_id' if key != 'caption_id' }},
        {{ form }} as caption_text
    from {{ relation }}
    {%- if not loop.first %}
    where {{ has_other_forms('caption_text') }}
    {%- endif %}
    {%- if not loop.last %}

    union distinct

    {% endif %}
    {%- endfor %}
{%- endmacro %}


{#- Whether a text may differ from one of its forms; most do not, and this costs little to find out. #}
{% macro has_other_forms(text) -%}
    {{ matches_pattern(text, text_literal(
        '[&<\\t-\\r\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\p{M}'
        ~ unseen_characters() ~ unseen_joiners() ~ folded_letters().styled ~ ']|  |^ | $'
    )) }}
{%- endmacro %}


{#- Letters and digits in other styles, and the plain ones that they stand for: mathematical, full-width,
    circled, parenthesised, squared, regional, raised, lowered, small capitals. One table for both engines,
    since DuckDB has no NFKC. Styles that follow the alphabet are written by where they begin. #}
{% macro folded_letters() %}
    {%- set upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' -%}
    {%- set lower = upper | lower -%}
    {%- set styles = [
        (65281, '!"#$%&\'()*+,-./0123456789:;<=>?@' ~ upper ~ '[\\]^_`' ~ lower ~ '{|}~'),
        (9312, '123456789'), (9332, '123456789'), (9372, lower), (9398, upper ~ lower ~ '0'), (9461, '123456789'),
        (10102, '123456789'), (10112, '123456789'), (10122, '123456789'),
        (120782, '0123456789' * 5), (127248, upper), (127280, upper), (127312, upper), (127344, upper),
        (127462, upper), (130032, '0123456789'),
    ] -%}
    {%- for style in range(13) -%}
        {%- do styles.append((119808 + 52 * style, upper ~ lower)) -%}
    {%- endfor -%}
    {%- set styled = [
        'ℂℊℋℌℍℎℐℑℒℓℕℙℚℛℜℝℤℨKℬℭℯℰℱℳℴℹⅅⅆⅇⅈⅉⅠⅤⅩⅬⅭⅮⅯⅰⅴⅹⅼⅽⅾⅿſ',
        'ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ',
        'ªºʰʲʳʷʸˡˢˣᵃᵇᶜᵈᵉᶠᵍⁱᵏᵐⁿᵒᵖᵗᵘᵛᶻᵢᵣᵤᵥₐₑₒₓₕₖₗₘₙₚₛₜⱼ',
        '⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃₄₅₆₇₈₉',
    ] | join -%}
    {%- set plain = [
        'CgHHHhIILlNPQRRRZZKBCeEFMoiDdeijIVXLCDMivxlcdms',
        'abcdefghijklmnopqrstuvwyzABDEGHIJKLMNOPRTUVW',
        'aohjrwylsxabcdefgikmnoptuvziruvaeoxhklmnpstj',
        '01234567890123456789',
    ] | join -%}
    {%- set characters = [] -%}
    {%- for first, letters in styles -%}
        {%- for letter in letters -%}
            {%- do characters.append('%c' % (first + loop.index0)) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return({
        'styled': styled ~ characters | join,
        'plain': plain ~ styles | map(attribute=1) | join,
    }) }}
{% endmacro %}
