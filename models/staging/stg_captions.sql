{{ config(materialized='view', meta={'was_a_table': true}) }}

with

checked_captions as (

    select * from {{ ref('captions_checked') }}

),

final as (

    select
        caption_id,
        caption_text,
        content_category,
        price_tier,
        has_urgency
    from checked_captions
    where rejection_reason is null

)

select * from final
