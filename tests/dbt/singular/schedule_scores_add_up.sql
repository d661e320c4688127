{#- Every score can be worked out again from its row: the draw from belief and random number, the parts
    from the draw, the score from the parts and the segment's multiplier. #}
with

recommendations as (

    select
        *,
        case
            when behavioral_segment = 'premium' and price_tier = 'premium' then 1.25e0
            when behavioral_segment = 'budget' and price_tier in ('budget', 'mid') then 1.15e0
            else 1e0
        end as expected_multiplier,
        case
            when caption_policy = 'pooled'
                then
                    posterior_mean + opens_lift
                    + exploration_width * posterior_sd * 0.551328895421792e0
                    * ln(uniform_draw / (1e0 - uniform_draw))
            else draw
        end as expected_draw,
        case
            when caption_policy = 'pooled' then 1e0 / (1e0 + exp(-1.702e0 * (draw - page_level)))
            else draw
        end as expected_thompson,
        case
            when caption_policy = 'pooled' then 1e0 / (1e0 + exp(page_level - posterior_mean - opens_lift))
            else value
        end as expected_value,
        case when caption_policy = 'pooled' then 0.05e0 else 0.15e0 end as diversity_weight,
        case when caption_policy = 'pooled' then 0.03e0 else 0.10e0 end as budget_weight,
        {{ function_name('uniform_draw') }}(
            case
                when caption_policy = 'pooled' then {{ iso_week('schedule_date') }}
                else cast(schedule_date as string)
            end || '|' || page_name || '|' || cast(caption_id as string)
        ) as expected_uniform_draw
    from {{ ref('schedule_recommendations') }}
    where
        schedule_date >= {{ execution_date(-7) }}
        {#- A row that an adopted dataset brought has no score, and one that was published before pages had levels
            another; one of this run must have both. #}
        and (page_level is not null or created_at = {{ as_of() }})

)

select
    schedule_id,
    time_slot_rank,
    expected_uniform_draw,
    expected_draw,
    expected_thompson,
    expected_value,
    expected_multiplier,
    score
from recommendations
where
    not coalesce(
        caption_policy in ('pooled', 'wilson')
        and uniform_draw = expected_uniform_draw
        and abs(draw - expected_draw) < 1e-9
        and abs(thompson - expected_thompson) < 1e-9
        and abs(value - expected_value) < 1e-9
        and segment_multiplier = expected_multiplier
        and abs(
            score
            - (
                0.70e0 * thompson + diversity_weight * diversity + 0.15e0 * value
                + budget_weight * budget_penalty
            )
            * expected_multiplier
        ) < 1e-9
        and thompson between 0 and 1
        and value between 0 and 1,
        false
    )
