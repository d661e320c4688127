{{ config(materialized='view', tags=['performance']) }}

with

pairs as (

    select
        page_name,
        confidence_upper_bound - confidence_lower_bound as width,
        cast(
            case
                when total_observations = 1 then 1
                when total_observations < 5 then 2
                when total_observations < 10 then 5
                when total_observations < 20 then 10
                else 20
            end as int64
        ) as tries_from
    from {{ ref('caption_bandit_stats') }}

),

each_and_all as (

    select
        page_name,
        tries_from,
        width
    from pairs

    union all

    select
        cast(null as string) as page_name,
        tries_from,
        width
    from pairs

),

final as (

    select
        page_name,
        tries_from,
        count(*) as pairs,
        {{ exact_sum('width') }} / count(*) / 2 as margin
    from each_and_all
    group by page_name, tries_from

)

select * from final
