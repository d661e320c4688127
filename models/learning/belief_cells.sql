with

outcomes as (

    select * from {{ ref('belief_outcomes') }}

),

score_logits as (

    select * from {{ ref('caption_score_logits') }}

),

{# Bumps are free and judged by who opens them; where most of them carry a price, they are like the others. #}
bump_prices as (

    select
        count(case when is_bump then 1 end) > 0
        and 2 * count(case when is_bump and log_value is not null then 1 end)
        >= count(case when is_bump then 1 end) as are_bumps_priced
    from outcomes

),

lessons as (

    select
        'value' as quantity,
        page_name,
        caption_id,
        is_bump,
        sending_time,
        log_value as lesson
    from outcomes
    where log_value is not null

    union all

    select
        'opens' as quantity,
        page_name,
        caption_id,
        is_bump,
        sending_time,
        log_opens as lesson
    from outcomes
    where log_opens is not null

),

{# A score can have been made from what was sold before it was seen, and not from what was sold later. #}
dated as (

    select
        lessons.*,
        coalesce(lessons.sending_time <= score_logits.first_seen_at, true) as is_before_score
    from lessons
    left join score_logits on lessons.caption_id = score_logits.caption_id

),

summed as (

    select
        quantity,
        page_name,
        caption_id,
        is_bump,
        count(*) as outcome_count,
        {{ exact_sum('lesson') }} as lesson_sum,
        {{ exact_sum('lesson * lesson') }} as lesson_square_sum,
        count(case when is_before_score then 1 end) as count_before_score,
        coalesce({{ exact_sum('case when is_before_score then lesson end') }}, 0e0) as lesson_sum_before_score
    from dated
    group by quantity, page_name, caption_id, is_bump

),

final as (

    select
        summed.quantity,
        summed.page_name,
        summed.caption_id,
        summed.is_bump,
        not summed.is_bump or bump_prices.are_bumps_priced as is_core,
        summed.outcome_count,
        summed.lesson_sum / summed.outcome_count as lesson_mean,
        summed.lesson_square_sum,
        summed.lesson_sum,
        summed.count_before_score,
        summed.lesson_sum_before_score
    from summed
    cross join bump_prices

)

select * from final
