{#- The best of a tier, ranked once for all pages; far more than any page can take. #}
{%- set ranked_captions = captions_ranked_for_all() %}
{#- A page and tier gets so many captions to choose from, candidates and those that stand in for them. #}
{%- set offered_captions = 200 %}

with

page_groups as (

    select * from {{ ref('page_caption_groups') }}

),

exclusions as (

    select * from {{ ref('caption_exclusions') }}

),

group_sizes as (

    select
        caption_group,
        count(*) as caption_count,
        count(case when bank_rank <= {{ ranked_captions }} then 1 end) as ranked_count
    from {{ ref('schedulable_captions') }}
    group by caption_group

),

excluded_counts as (

    select
        page_name,
        caption_group,
        count(*) as caption_count,
        count(case when bank_rank <= {{ ranked_captions }} then 1 end) as ranked_count
    from exclusions
    group by page_name, caption_group

),

{# Pairs are counted and not listed: 100 pages and 100,000 captions have ten million. #}
counted as (

    select
        page_groups.page_name,
        page_groups.price_tier,
        page_groups.is_needed,
        group_sizes.caption_count,
        group_sizes.ranked_count,
        case
            when page_groups.is_restricted or page_groups.is_over_budget then group_sizes.caption_count
            else coalesce(excluded_counts.caption_count, 0)
        end as excluded_count,
        case
            when page_groups.is_restricted or page_groups.is_over_budget then group_sizes.ranked_count
            else coalesce(excluded_counts.ranked_count, 0)
        end as excluded_ranked_count
    from page_groups
    inner join group_sizes on page_groups.caption_group = group_sizes.caption_group
    left join excluded_counts
        on
            page_groups.page_name = excluded_counts.page_name
            and page_groups.caption_group = excluded_counts.caption_group

),

summed as (

    select
        page_name,
        price_tier,
        is_needed,
        cast(sum(caption_count) as int64) as tier_size,
        cast(sum(caption_count) - sum(excluded_count) as int64) as pool_size,
        cast(sum(ranked_count) - sum(excluded_ranked_count) as int64) as ranked_pool_size,
        cast(sum(excluded_count) as int64) as excluded_count,
        cast(sum(excluded_ranked_count) as int64) as excluded_ranked_count
    from counted
    group by page_name, price_tier, is_needed

),

final as (

    select
        page_name,
        price_tier,
        is_needed,
        tier_size,
        pool_size,
        {{ offered_captions }} + case
            when ranked_pool_size >= {{ offered_captions }} then excluded_ranked_count
            else excluded_count
        end as rank_limit
    from summed

)

select * from final
