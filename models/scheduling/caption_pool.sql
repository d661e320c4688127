{{ config(materialized='view') }}

with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

page_groups as (

    select * from {{ ref('page_caption_groups') }}
    where not is_restricted and not is_over_budget

),

restriction_matches as (

    select * from {{ ref('restriction_matches') }}

),

resting_texts as (

    select distinct
        page_name,
        caption_key
    from {{ ref('recent_caption_usage') }}

),

final as (

    select
        page_groups.page_name,
        captions.caption_id,
        captions.caption_text,
        captions.caption_key,
        captions.price_tier,
        captions.content_category,
        captions.has_urgency,
        captions.weight_sum,
        captions.weighted_residual_sum,
        page_groups.diversity,
        page_groups.budget_penalty,
        coalesce(restriction_matches.is_soft, false) as is_soft_restricted
    from page_groups
    inner join captions
        on
            page_groups.price_tier = captions.price_tier
            and page_groups.content_category = captions.content_category
            and page_groups.has_urgency = captions.has_urgency
    left join restriction_matches
        on
            page_groups.page_name = restriction_matches.page_name
            and captions.caption_id = restriction_matches.caption_id
    left join resting_texts
        on
            page_groups.page_name = resting_texts.page_name
            and captions.caption_key = resting_texts.caption_key
    where
        resting_texts.page_name is null
        and not coalesce(restriction_matches.is_hard, false)

)

select * from final
