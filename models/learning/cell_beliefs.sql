{{ config(cluster_by=['page_name', 'caption_id']) }}

with

cells as (

    select * from {{ ref('belief_cells') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

page_levels as (

    select * from {{ ref('page_levels') }}

),

caption_beliefs as (

    select * from {{ ref('caption_beliefs') }}

),

score_trust as (

    select * from {{ ref('score_trust') }}

),

score_logits as (

    select * from {{ ref('caption_score_logits') }}

),

weighted as (

    select
        cells.quantity,
        cells.page_name,
        cells.caption_id,
        cells.is_bump,
        cells.outcome_count,
        cells.lesson_mean,
        page_levels.page_level,
        variances.message_variance,
        variances.pair_variance,
        caption_beliefs.weight_sum,
        caption_beliefs.weighted_residual_sum,
        1e0 / (variances.pair_variance + variances.message_variance / cells.outcome_count) as own_weight,
        case when cells.quantity = 'value' then score_trust.prior_variance else variances.caption_variance end
            as caption_prior_variance,
        case when cells.quantity = 'value' then score_trust.score_slope else 0e0 end
        * coalesce(score_logits.score_logit, 0e0) as caption_prior_mean
    from cells
    inner join variances on cells.quantity = variances.quantity
    inner join page_levels
        on
            cells.quantity = page_levels.quantity
            and cells.page_name = page_levels.page_name
            and cells.is_bump = page_levels.is_bump
    inner join caption_beliefs
        on
            cells.quantity = caption_beliefs.quantity
            and cells.caption_id = caption_beliefs.caption_id
    cross join score_trust
    left join score_logits on cells.caption_id = score_logits.caption_id

),

{# What the caption did on its other pages: all pages' sums less this page's part. #}
elsewhere as (

    select
        *,
        greatest(weight_sum - own_weight, 0e0) + 1e0 / caption_prior_variance as shared_precision,
        weighted_residual_sum - own_weight * (lesson_mean - page_level)
        + caption_prior_mean / caption_prior_variance as shared_sum
    from weighted

),

prior as (

    select
        *,
        page_level + shared_sum / shared_precision as prior_mean,
        pair_variance + 1e0 / shared_precision as prior_variance
    from elsewhere

),

final as (

    select
        quantity,
        page_name,
        caption_id,
        is_bump,
        outcome_count,
        (outcome_count * lesson_mean / message_variance + prior_mean / prior_variance)
        / (outcome_count / message_variance + 1e0 / prior_variance) as posterior_mean,
        sqrt(1e0 / (outcome_count / message_variance + 1e0 / prior_variance)) as posterior_sd
    from prior

)

select * from final
