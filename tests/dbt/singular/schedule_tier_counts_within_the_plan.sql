{{ config(tags=['daily']) }}

{#- What this run published has no more captions of a tier than the plan of the day asks. (A schedule that an
    earlier run published was planned by what was known then.) #}
with

published as (

    select
        page_name,
        count(case when price_tier = 'budget' then 1 end) as budget_count,
        count(case when price_tier = 'mid' then 1 end) as mid_count,
        count(case when price_tier = 'premium' then 1 end) as premium_count,
        count(case when price_tier = 'bump' then 1 end) as bump_count,
        count(*) as message_count
    from {{ ref('schedule_recommendations') }}
    where schedule_date = {{ execution_date() }} and created_at = {{ as_of() }}
    group by page_name

)

select
    published.*,
    plans.num_budget,
    plans.num_mid,
    plans.num_premium,
    plans.num_bump
from published
left join {{ ref('creator_day_plan') }} as plans on published.page_name = plans.page_name
where
    not coalesce(
        published.budget_count <= plans.num_budget
        and published.mid_count <= plans.num_mid
        and published.premium_count <= plans.num_premium
        and published.bump_count <= plans.num_bump
        and published.message_count
        = published.budget_count + published.mid_count + published.premium_count + published.bump_count,
        false
    )
