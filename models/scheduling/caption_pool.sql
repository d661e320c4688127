{{ config(materialized='view') }}

with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

page_groups as (

    select * from {{ ref('page_caption_groups') }}
    where not is_restricted and not is_over_budget

),

restriction_matches as (

    select * from {{ ref('restriction_matches') }}

),

recent_usage as (

    select * from {{ ref('recent_caption_usage') }}

),

{# Whatever id it went out under, the text is what rests. #}
excluded as (

    select
        page_name,
        caption_id
    from restriction_matches
    where is_hard

    union distinct

    select
        recent_usage.page_name,
        captions.caption_id
    from recent_usage
    inner join captions on recent_usage.caption_key = captions.caption_key

),

{# One row per creator and caption, 10 million for 100 creators: numbers only, the texts are joined
    to the few that are chosen. #}
final as (

    select
        page_groups.page_name,
        captions.caption_id,
        captions.price_tier,
        captions.weight_sum,
        captions.weighted_residual_sum,
        page_groups.is_needed,
        page_groups.diversity,
        page_groups.budget_penalty,
        coalesce(restriction_matches.is_soft, false) as is_soft_restricted
    from page_groups
    inner join captions on page_groups.caption_group = captions.caption_group
    left join restriction_matches
        on
            page_groups.page_name = restriction_matches.page_name
            and captions.caption_id = restriction_matches.caption_id
            and restriction_matches.is_soft
    left join excluded
        on
            page_groups.page_name = excluded.page_name
            and captions.caption_id = excluded.caption_id
    where excluded.page_name is null

)

select * from final
