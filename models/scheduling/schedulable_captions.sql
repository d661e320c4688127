with

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

caption_beliefs as (

    select * from {{ ref('caption_beliefs') }}

),

opens_variances as (

    select * from {{ ref('belief_variances') }}
    where quantity = 'opens'

),

score_trust as (

    select * from {{ ref('score_trust') }}

),

score_logits as (

    select * from {{ ref('caption_score_logits') }}

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

{# What all pages together tell of a caption: what a page believes that has never sent it. #}
shared as (

    select
        one_per_text.caption_id,
        one_per_text.caption_text,
        one_per_text.caption_key,
        coalesce(one_per_text.content_category, '') as content_category,
        one_per_text.price_tier,
        one_per_text.has_urgency,
        coalesce(value_beliefs.weight_sum, 0e0) + 1e0 / score_trust.prior_variance as value_precision,
        coalesce(value_beliefs.weighted_residual_sum, 0e0)
        + score_trust.score_slope * coalesce(score_logits.score_logit, 0e0) / score_trust.prior_variance as value_sum,
        coalesce(opens_beliefs.weight_sum, 0e0) + 1e0 / opens_variances.caption_variance as opens_precision,
        coalesce(opens_beliefs.weighted_residual_sum, 0e0) as opens_sum,
        one_per_text.price_tier != 'bump' or opens_variances.are_bumps_priced as is_judged_by_value
    from one_per_text
    cross join score_trust
    cross join opens_variances
    left join score_logits on one_per_text.caption_id = score_logits.caption_id
    left join caption_beliefs as value_beliefs
        on one_per_text.caption_id = value_beliefs.caption_id and value_beliefs.quantity = 'value'
    left join caption_beliefs as opens_beliefs
        on one_per_text.caption_id = opens_beliefs.caption_id and opens_beliefs.quantity = 'opens'

),

believed as (

    select
        *,
        value_sum / value_precision as shared_value,
        1e0 / value_precision as shared_value_variance,
        opens_sum / opens_precision as shared_opens,
        1e0 / opens_precision as shared_opens_variance
    from shared

),

final as (

    select
        caption_id,
        caption_text,
        caption_key,
        content_category,
        price_tier,
        has_urgency,
        dense_rank() over (order by price_tier, content_category, has_urgency) as caption_group,
        is_judged_by_value,
        shared_value,
        shared_value_variance,
        shared_opens,
        shared_opens_variance,
        row_number() over (
            partition by price_tier
            order by
                round(case when is_judged_by_value then shared_value else 0e0 end + shared_opens, 12) desc,
                caption_id asc
        ) as bank_rank
    from believed

)

select * from final
