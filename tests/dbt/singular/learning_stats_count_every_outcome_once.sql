{{ config(tags=['performance']) }}

{#- The statistics are a function of the outcomes in the window, however often a run saw them: their
    observations add up to the number of outcomes, no more and no less. -#}
with

counted as (

    select coalesce(sum(total_observations), 0) as observation_count
    from {{ ref('caption_bandit_stats') }}

),

outcomes as (

    select count(*) as outcome_count
    from {{ ref('message_outcomes') }}
    where
        sending_date >= {{ execution_date(-var('stats_window_days') - 1) }}
        and sending_time >= {{ as_of(minus_days=var('stats_window_days')) }}

)

select
    counted.observation_count,
    outcomes.outcome_count
from counted
cross join outcomes
where counted.observation_count is distinct from outcomes.outcome_count
