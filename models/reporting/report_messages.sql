{{ config(materialized='view', tags=['daily']) }}

{#- Between 10 % and 90 % of a normal distribution lie 4 chances in 5: so many standard deviations. -#}
{%- set four_in_five = '1.2815515655446004e0' %}

with

messages as (

    select * from {{ ref('schedule_recommendations_messages') }}

),

{# A message is held against a usual one of its kind on its page; one that was published before there was such a
    level, against the page's median EMV. The weights are those of the score that it was chosen by. #}
chosen as (

    select
        *,
        case
            when page_level is not null then posterior_mean + opens_lift - page_level
            when page_median_emv > 0 then posterior_mean - ln(page_median_emv)
        end as log_lift,
        case when page_level is null or caption_policy = 'wilson' then 0.15e0 else 0.05e0 end as diversity_weight,
        case when page_level is null or caption_policy = 'wilson' then 0.10e0 else 0.03e0 end as budget_weight
    from {{ ref('schedule_recommendations') }}

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
        chosen.diversity_weight * chosen.diversity as variety_part,
        0.15e0 * chosen.value as value_part,
        chosen.budget_weight * chosen.budget_penalty as budget_part,
        chosen.quantity,
        exp(chosen.log_lift) as believed,
        exp(chosen.log_lift - {{ four_in_five }} * chosen.posterior_sd) as believed_low,
        exp(chosen.log_lift + {{ four_in_five }} * chosen.posterior_sd) as believed_high,
        case
            when chosen.caption_policy = 'pooled'
                then exp(chosen.draw - chosen.posterior_mean - coalesce(chosen.opens_lift, 0))
        end as luck
    from messages
    left join chosen
        on messages.schedule_id = chosen.schedule_id and messages.time_slot_rank = chosen.time_slot_rank
    left join beliefs
        on messages.caption_id = beliefs.caption_id and beliefs.quantity = coalesce(chosen.quantity, 'value')
    where messages.schedule_is_active

)

select * from final
