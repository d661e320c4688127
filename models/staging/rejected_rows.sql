{{ config(materialized='view') }}

with

unreadable_lines as (

    select
        source_name,
        file_name,
        line_number,
        line_text,
        reason
    from {{ source('operations', 'unreadable_lines') }}

),

{%- set inputs = ['mass_messages', 'caption_bank', 'captions', 'creator_caption_restrictions'] %}

final as (
    {% for input in inputs %}
    select
        '{{ input }}' as source_name,
        row_key,
        rejection_reason,
        {{ 'raw_row' if input == 'mass_messages' else row_as_json('raw_row') }} as raw_row
    from {{ ref(input ~ '_checked') }}
    where rejection_reason is not null

    union all
    {% endfor %}
    select
        source_name,
        file_name || ':' || cast(line_number as string) as row_key,
        reason as rejection_reason,
        {{ row_as_json('unreadable_lines') }} as raw_row
    from unreadable_lines

)

select * from final
