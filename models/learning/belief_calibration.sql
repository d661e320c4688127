with

{# What was sent as it was planned, old enough, to enough fans. What an older rule has chosen had other beliefs, and
    the policy wilson chooses by none. #}
outcomes as (

    select * from {{ ref('recommendation_outcomes') }}
    where
        status = 'sent'
        and is_mature
        and sent_count >= 100
        and caption_policy = 'pooled'
        and quantity is not null
        and message_variance is not null

),

lessons as (

    select
        row_id,
        log_value,
        log_opens
    from {{ ref('belief_outcomes') }}

),

{# Held against the very quantity that was believed: what a view earned, or how often the message was opened. #}
observed as (

    select
        outcomes.schedule_id,
        outcomes.time_slot_rank,
        outcomes.quantity,
        outcomes.posterior_mean,
        outcomes.posterior_sd * outcomes.posterior_sd + outcomes.message_variance as variance,
        case when outcomes.quantity = 'value' then lessons.log_value else lessons.log_opens end as outcome
    from outcomes
    inner join lessons on outcomes.row_id = lessons.row_id

),

{# Between 10 % and 90 % of a normal distribution lie 1.2816 standard deviations to both sides. Of a single message,
    that is: a belief about the mean alone would cover far less. #}
judged as (

    select
        *,
        abs(outcome - posterior_mean) <= 1.2816e0 * sqrt(variance) as is_covered,
        ntile(10) over (
            partition by quantity order by posterior_mean asc, schedule_id asc, time_slot_rank asc
        ) as decile
    from observed
    where outcome is not null

),

{# Every tenth of each quantity, each quantity, and all together, which is there whatever there is to judge. #}
scoped as (

    select
        quantity as of_quantity,
        decile as of_decile,
        judged.*
    from judged

    union all

    select
        quantity as of_quantity,
        0 as of_decile,
        judged.*
    from judged

),

final as (

    select
        of_quantity as quantity,
        nullif(of_decile, 0) as decile,
        count(*) as message_count,
        count(case when is_covered then 1 end) as covered_count,
        count(case when is_covered then 1 end) / count(*) as coverage,
        {{ exact_sum('posterior_mean') }} / count(*) as believed_mean,
        {{ exact_sum('outcome') }} / count(*) as observed_mean
    from scoped
    group by of_quantity, of_decile

    union all

    select
        cast(null as string) as quantity,
        cast(null as int64) as decile,
        count(*) as message_count,
        count(case when is_covered then 1 end) as covered_count,
        count(case when is_covered then 1 end) / nullif(count(*), 0) as coverage,
        cast(null as float64) as believed_mean,
        cast(null as float64) as observed_mean
    from judged

)

select * from final
