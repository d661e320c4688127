with

creators as (

    select * from {{ ref('creator_day_plan') }}

),

captions as (

    select * from {{ ref('schedulable_captions') }}

),

restrictions as (

    select * from {{ ref('stg_creator_caption_restrictions') }}

),

recent_usage as (

    select
        *,
        coalesce({{ clean_text('content_category') }}, '') as clean_category
    from {{ ref('recent_caption_usage') }}
    where is_before

),

caption_groups as (

    select distinct
        caption_group,
        price_tier,
        content_category,
        has_urgency
    from captions

),

{# The bank's tiers are cleaned, its categories are published as it spells them. #}
named_groups as (

    select
        *,
        coalesce({{ clean_text('content_category') }}, '') as clean_category
    from caption_groups

),

page_groups as (

    select
        creators.page_name,
        named_groups.clean_category,
        named_groups.caption_group,
        named_groups.price_tier,
        named_groups.content_category,
        named_groups.has_urgency,
        case named_groups.price_tier
            when 'budget' then creators.num_budget
            when 'mid' then creators.num_mid
            when 'premium' then creators.num_premium
            when 'bump' then creators.num_bump
        end > 0 as is_needed
    from creators
    cross join named_groups

),

restricted as (

    select distinct
        page_groups.page_name,
        page_groups.caption_group
    from page_groups
    inner join restrictions
        on
            page_groups.page_name = restrictions.page_name
            and restrictions.applies_to_scope in (
                'ALL', case when page_groups.price_tier = 'bump' then 'BUMP_ONLY' else 'PPV_ONLY' end
            )
    where
        {{ array_has('restrictions.restricted_categories', 'page_groups.clean_category') }}
        or {{ array_has('restrictions.restricted_price_tiers', 'page_groups.price_tier') }}

),

{# What went to the page in the 7 days before, seen from each group. #}
used as (

    select
        page_groups.page_name,
        page_groups.caption_group,
        count(case when recent_usage.has_urgency then 1 end) as urgent_used,
        count(case when recent_usage.clean_category = page_groups.clean_category then 1 end) as category_used,
        count(case when recent_usage.price_tier = page_groups.price_tier then 1 end) as tier_used,
        count(case when recent_usage.has_urgency = page_groups.has_urgency then 1 end) as urgency_used
    from page_groups
    left join recent_usage on page_groups.page_name = recent_usage.page_name
    group by page_groups.page_name, page_groups.caption_group

),

final as (

    select
        page_groups.page_name,
        page_groups.caption_group,
        page_groups.price_tier,
        page_groups.content_category,
        page_groups.has_urgency,
        page_groups.is_needed,
        restricted.page_name is not null as is_restricted,
        (page_groups.has_urgency and used.urgent_used >= {{ var('weekly_urgent_limit') }})
        or used.category_used >= {{ var('weekly_category_limit') }} as is_over_budget,
        case
            when page_groups.has_urgency and used.urgent_used >= 0.8e0 * {{ var('weekly_urgent_limit') }} then -0.5e0
            when used.category_used >= 0.8e0 * {{ var('weekly_category_limit') }} then -0.3e0
            when used.category_used >= 0.6e0 * {{ var('weekly_category_limit') }} then -0.15e0
            else 0e0
        end as budget_penalty,
        case when used.category_used = 0 then 0.1e0 else -0.2e0 end
        + case when used.tier_used = 0 then 0.1e0 else -0.2e0 end
        + case when used.urgency_used = 0 then 0.05e0 else -0.1e0 end as diversity
    from page_groups
    inner join used
        on
            page_groups.page_name = used.page_name
            and page_groups.caption_group = used.caption_group
    left join restricted
        on
            page_groups.page_name = restricted.page_name
            and page_groups.caption_group = restricted.caption_group

)

select * from final
