{{ config(materialized='view', tags=['performance']) }}

{#- Between 10 % and 90 % of a normal distribution lie 4 chances in 5: so many standard deviations. -#}
{%- set four_in_five = '1.2815515655446004e0' %}

with

beliefs as (

    select * from {{ ref('caption_beliefs') }}
    where quantity = 'value' and is_core

),

variances as (

    select * from {{ ref('belief_variances') }}

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

effects as (

    select
        beliefs.caption_id,
        beliefs.page_count,
        beliefs.weighted_residual_sum / (beliefs.weight_sum + 1 / variances.caption_variance) as effect,
        sqrt(1 / (beliefs.weight_sum + 1 / variances.caption_variance)) as uncertainty
    from beliefs
    inner join variances on beliefs.quantity = variances.quantity

),

final as (

    select
        effects.caption_id,
        caption_bank.caption_text,
        caption_bank.price_tier,
        caption_bank.content_category,
        effects.page_count,
        exp(effects.effect) as factor,
        exp(effects.effect - {{ four_in_five }} * effects.uncertainty) as factor_low,
        exp(effects.effect + {{ four_in_five }} * effects.uncertainty) as factor_high,
        row_number() over (
            order by effects.effect - {{ four_in_five }} * effects.uncertainty desc, effects.caption_id asc
        ) as certainty_rank
    from effects
    left join caption_bank on effects.caption_id = caption_bank.caption_id

)

select * from final
