{{ config(materialized='view') }}

with

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
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

)

select * from final
