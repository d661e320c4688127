with

pairs as (

    select
        page_name,
        caption_id,
        outcome_count,
        log_emv_sum / outcome_count as mean_log_emv
    from {{ ref('caption_outcome_totals') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

page_beliefs as (

    select * from {{ ref('page_beliefs') }}

),

weighted as (

    select
        pairs.caption_id,
        1e0 / (variances.pair_variance + variances.message_variance / pairs.outcome_count) as weight,
        pairs.mean_log_emv - page_beliefs.page_level as residual
    from pairs
    cross join variances
    inner join page_beliefs on pairs.page_name = page_beliefs.page_name

),

final as (

    select
        caption_id,
        count(*) as page_count,
        {{ exact_sum('weight') }} as weight_sum,
        {{ exact_sum('weight * residual') }} as weighted_residual_sum
    from weighted
    group by caption_id

)

select * from final
