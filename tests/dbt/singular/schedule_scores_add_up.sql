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
                    posterior_mean
                    + 0.25e0 * posterior_sd * 0.551328895421792e0 * ln(uniform_draw / (1e0 - uniform_draw))
            else draw
        end as expected_draw,
        case
            when caption_policy = 'pooled'
                then 1e0 / (1e0 + exp(-1.702e0 * (draw - ln(greatest(page_median_emv, 0.000001e0)))))
            else draw
        end as expected_thompson,
        case
            when caption_policy = 'pooled' then exp(posterior_mean) / (exp(posterior_mean) + page_median_emv)
            else value
        end as expected_value,
        {{ function_name('uniform_draw') }}(
            cast(schedule_date as string) || '|' || page_name || '|' || cast(caption_id as string)
        ) as expected_uniform_draw
    from {{ ref('schedule_recommendations') }}
    where
        schedule_date >= {{ execution_date(-7) }}
        {#- A row that an adopted dataset brought has no score; one of this run must have. #}
        and (caption_policy is not null or score is not null or created_at = {{ as_of() }})

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
            - (0.70e0 * thompson + 0.15e0 * diversity + 0.15e0 * value + 0.10e0 * budget_penalty)
            * expected_multiplier
        ) < 1e-9
        and thompson between 0 and 1
        and value between 0 and 1,
        false
    )
