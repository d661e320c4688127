with

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

caption_beliefs as (

    select * from {{ ref('caption_beliefs') }}

),

{# Of several ids with one text and tier the smallest stands for all: it has the credit, too. #}
one_per_text as (

    select *
    from caption_bank
    where
        usage_status in ('available', 'moderate_recency')
        and price_tier in ('budget', 'mid', 'premium', 'bump')
    qualify row_number() over (partition by caption_key, price_tier order by caption_id asc) = 1

),

final as (

    select
        one_per_text.caption_id,
        one_per_text.caption_text,
        one_per_text.caption_key,
        coalesce(one_per_text.content_category, '') as content_category,
        one_per_text.price_tier,
        one_per_text.has_urgency,
        dense_rank() over (
            order by one_per_text.price_tier, coalesce(one_per_text.content_category, ''), one_per_text.has_urgency
        ) as caption_group,
        coalesce(caption_beliefs.weight_sum, 0e0) as weight_sum,
        coalesce(caption_beliefs.weighted_residual_sum, 0e0) as weighted_residual_sum
    from one_per_text
    left join caption_beliefs on one_per_text.caption_id = caption_beliefs.caption_id

)

select * from final
