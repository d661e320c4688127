{{ config(materialized='view', tags=['performance']) }}

with

beliefs as (

    select * from {{ ref('page_beliefs') }}

),

known_pairs as (

    select
        page_name,
        count(*) as captions,
        sum(total_observations) as outcomes,
        sum(successes - 1) / sum(total_observations) as beat_share,
        {{ exact_sum('confidence_upper_bound - confidence_lower_bound') }} / count(*) / 2 as margin,
        {{ exact_sum('total_revenue') }} as revenue,
        max(last_updated) as last_updated
    from {{ ref('caption_bandit_stats') }}
    group by page_name

),

pages as (

    select
        beliefs.page_name,
        beliefs.page_median_emv,
        known_pairs.beat_share,
        known_pairs.margin,
        known_pairs.revenue,
        known_pairs.last_updated,
        coalesce(known_pairs.captions, 0) as captions,
        cast(coalesce(known_pairs.outcomes, 0) as int64) as outcomes
    from beliefs
    left join known_pairs on beliefs.page_name = known_pairs.page_name

),

final as (

    select
        page_name,
        page_median_emv,
        captions,
        outcomes,
        beat_share,
        margin,
        revenue,
        last_updated
    from pages

    union all

    select
        cast(null as string) as page_name,
        cast(null as float64) as page_median_emv,
        cast(coalesce(sum(captions), 0) as int64) as captions,
        cast(coalesce(sum(outcomes), 0) as int64) as outcomes,
        cast(null as float64) as beat_share,
        cast(null as float64) as margin,
        {{ exact_sum('revenue') }} as revenue,
        max(last_updated) as last_updated
    from pages

)

select * from final
