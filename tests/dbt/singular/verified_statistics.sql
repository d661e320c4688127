{{ config(tags=['verify'], fail_calc='sum(wrong)') }}

{#- Each pair's statistics count each of its outcomes once, and every pair has some. -#}
with

stats as (

    select * from {{ ref('caption_bandit_stats') }}

),

totals as (

    select * from {{ ref('caption_outcome_totals') }}

)

select
    count(*) as pairs,
    count(
        case
            when
                stats.successes is distinct from 1 + totals.success_count
                or stats.total_observations is distinct from totals.outcome_count
                then 1
        end
    ) as wrong
from stats
full outer join totals on stats.page_name = totals.page_name and stats.caption_id = totals.caption_id
