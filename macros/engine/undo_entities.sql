{#- HTML's entities undone, all in one pass: what an entity gives is never read again, so that &amp;lt; is
    the text &lt;. Those that people's tools write, and any code point by its number; what is no code point
    stays as it stands. The text is cut into entities and what lies between them. #}
{% macro undo_entities(text) %}
    {{- return(adapter.dispatch('undo_entities', 'eros')(text)) -}}
{% endmacro %}

{% macro default__undo_entities(text) -%}
    coalesce((
        select string_agg(
            case
                {{ eros.named_entities('piece') }}
                when number is not null then coalesce({{ eros.code_point_text('number') }}, piece)
                else piece
            end,
            '' order by place
        )
        from (
            select
                piece,
                piece_offset as place,
                cast(coalesce(
                    regexp_extract(piece, r'^&#([0-9]+);$'),
                    concat('0x', regexp_extract(piece, r'^&#[xX]([0-9a-fA-F]+);$'))
                ) as int64) as number
            from unnest(regexp_extract_all({{ text }}, r'{{ eros.entity_pieces() }}')) as piece with offset as piece_offset
        ) as pieces
    ), {{ text }})
{%- endmacro %}

{#- The character of a code point, NULL if there is none. The emulator takes no INT64 for one, and
    `safe.` not everywhere: there its bits are added up. #}
{% macro code_point_text(number) -%}
    {%- if target.name == 'emulator' -%}
        {%- set bits = [] -%}
        {%- for bit in range(21) -%}
            {%- do bits.append('sign(' ~ number ~ ' & ' ~ 2 ** bit ~ ') * ' ~ 2 ** bit) -%}
        {%- endfor -%}
        case
            when {{ number }} between 0 and 55295 or {{ number }} between 57344 and 1114111
                then chr({{ bits | join(' + ') }})
        end
    {%- else -%}
        safe.code_points_to_string([{{ number }}])
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__undo_entities(text) -%}
    array_to_string(
        list_transform(
            regexp_extract_all({{ text }}, '{{ eros.entity_pieces() }}'),
            lambda piece: case
                {{ eros.named_entities('piece') }}
                when piece like '&#%' then coalesce(try(chr(cast(coalesce(
                    nullif(regexp_extract(piece, '^&#([0-9]+);$', 1), ''),
                    '0x' || regexp_extract(piece, '^&#[xX]([0-9a-fA-F]+);$', 1)
                ) as integer))), piece)
                else piece
            end
        ),
        ''
    )
{%- endmacro %}


{#- An entity, what is none up to the next ampersand, or an ampersand that begins none. Leading zeros may
    be many, the digits after them no more than a code point has. #}
{% macro entity_pieces() -%}
    &(?:amp|lt|gt|quot|apos|nbsp|#0*[0-9]{1,7}|#[xX]0*[0-9a-fA-F]{1,6});|[^&]+|&
{%- endmacro %}


{% macro named_entities(piece) -%}
    when {{ piece }} = '&amp;' then '&'
    when {{ piece }} = '&lt;' then '<'
    when {{ piece }} = '&gt;' then '>'
    when {{ piece }} = '&quot;' then '"'
    when {{ piece }} = '&apos;' then chr(39)
    when {{ piece }} = '&nbsp;' then {{ text_literal('\u00a0') }}
{%- endmacro %}
