{{ config(materialized='view', tags=['daily']) }}

{#- Between 10 % and 90 % of a normal distribution lie 4 chances in 5: so many standard deviations. -#}
{%- set four_in_five = '1.2815515655446004e0' %}

with

messages as (

    select * from {{ ref('schedule_recommendations_messages') }}

),

chosen as (

    select * from {{ ref('schedule_recommendations') }}

),

beliefs as (

    select * from {{ ref('caption_beliefs') }}

),

final as (

    select
        messages.schedule_id,
        messages.page_name,
        messages.time_slot_rank,
        messages.scheduled_send_time,
        messages.message_type,
        messages.caption_id,
        messages.caption_text,
        messages.price_tier,
        messages.content_category,
        messages.has_urgency,
        chosen.caption_policy,
        chosen.selection_rank,
        chosen.tier_rank,
        chosen.outcome_count,
        chosen.is_soft_restricted,
        chosen.diversity,
        chosen.budget_penalty,
        chosen.draw,
        chosen.segment_multiplier,
        chosen.score,
        beliefs.page_count,
        0.70e0 * chosen.thompson as belief_part,
        0.15e0 * chosen.diversity as variety_part,
        0.15e0 * chosen.value as value_part,
        0.10e0 * chosen.budget_penalty as budget_part,
        exp(chosen.posterior_mean) / nullif(chosen.page_median_emv, 0) as believed,
        exp(chosen.posterior_mean - {{ four_in_five }} * chosen.posterior_sd)
        / nullif(chosen.page_median_emv, 0) as believed_low,
        exp(chosen.posterior_mean + {{ four_in_five }} * chosen.posterior_sd)
        / nullif(chosen.page_median_emv, 0) as believed_high,
        case when chosen.caption_policy = 'pooled' then exp(chosen.draw - chosen.posterior_mean) end as luck
    from messages
    left join chosen
        on messages.schedule_id = chosen.schedule_id and messages.time_slot_rank = chosen.time_slot_rank
    left join beliefs on messages.caption_id = beliefs.caption_id
    where messages.schedule_is_active

)

select * from final
