with

variances as (

    select * from {{ ref('belief_variances') }}
    where quantity = 'value'

),

caption_beliefs as (

    select * from {{ ref('caption_beliefs') }}
    where quantity = 'value' and is_core

),

score_logits as (

    select * from {{ ref('caption_score_logits') }}

),

{# How much of a caption's value was still open when its score was first seen. #}
shares as (

    select
        caption_beliefs.*,
        coalesce(score_logits.score_logit, 0e0) as score_logit,
        score_logits.caption_id is not null as is_scored,
        variances.caption_variance,
        1e0 / (1e0 + variances.caption_variance * caption_beliefs.weight_sum_before_score) as open_share
    from caption_beliefs
    cross join variances
    left join score_logits on caption_beliefs.caption_id = score_logits.caption_id

),

{# What its outcomes since then showed beyond those before, and what the score had to say of it. #}
surprises as (

    select
        open_share * score_logit as foretold,
        weighted_residual_sum_since_score / weight_sum_since_score
        - weighted_residual_sum_before_score * caption_variance * open_share as surprise,
        1e0 / (caption_variance * open_share + 1e0 / weight_sum_since_score) as weight
    from shares
    where is_scored and weight_sum_since_score > 0

),

means as (

    select
        {{ exact_sum('weight * foretold') }} / {{ exact_sum('weight') }} as foretold,
        {{ exact_sum('weight * surprise') }} / {{ exact_sum('weight') }} as surprise
    from surprises

),

squares as (

    select
        count(*) as caption_count,
        coalesce({{ exact_sum(
            'surprises.weight * (surprises.foretold - means.foretold) * (surprises.foretold - means.foretold)'
        ) }}, 0e0) as square_sum,
        coalesce({{ exact_sum(
            'surprises.weight * (surprises.foretold - means.foretold) * (surprises.surprise - means.surprise)'
        ) }}, 0e0) as product_sum
    from surprises
    cross join means

),

fitted as (

    select
        caption_count,
        product_sum / (square_sum + 1e0) as slope,
        product_sum / sqrt(square_sum + 1e0) as z
    from squares

),

{# A slope that may be luck counts for less, one below √2 errors for nothing. #}
trusted as (

    select
        caption_count,
        case when z > 0e0 and z * z > 2e0 then slope * (1e0 - 2e0 / (z * z)) else 0e0 end as score_slope
    from fitted

),

{# What the score leaves unexplained of how captions differ. #}
leftovers as (

    select
        1e0 / (shares.caption_variance + 1e0 / shares.weight_sum) as weight,
        shares.weighted_residual_sum / shares.weight_sum - trusted.score_slope * shares.score_logit as leftover,
        1e0 / shares.weight_sum as uncertainty
    from shares
    cross join trusted

),

leftover_variance as (

    select
        count(*) as caption_count,
        coalesce(
            {{ exact_sum('weight * (leftover * leftover - uncertainty)') }} / {{ exact_sum('weight') }}, 0e0
        ) as leftover_variance
    from leftovers

),

final as (

    select
        trusted.caption_count as judged_captions,
        trusted.score_slope,
        case
            when trusted.score_slope > 0e0
                then greatest(0.1e0 * variances.caption_variance, least(
                    variances.caption_variance,
                    (
                        25e0 * variances.caption_variance
                        + leftover_variance.leftover_variance * leftover_variance.caption_count
                    ) / (50e0 + leftover_variance.caption_count)
                ))
            else variances.caption_variance
        end as prior_variance
    from trusted
    cross join leftover_variance
    cross join variances

)

select * from final
