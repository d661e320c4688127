{{ config(materialized='view', meta={'was_a_table': true}) }}

with

checked_captions as (

    select * from {{ ref('caption_bank_checked') }}

),

final as (

    select
        caption_id,
        caption_text,
        caption_key,
        content_category,
        price_tier,
        has_urgency,
        avg_revenue,
        overall_performance_score,
        usage_status
    from checked_captions
    where rejection_reason is null

)

select * from final
