{{ config(post_hook="{{ record_creator_errors() }}") }}

with

creators as (

    select * from {{ ref('creator_day_plan') }}

),

broken_patterns as (

    select
        page_name,
        min(strength || ' pattern ' || pattern) as example,
        count(*) as pattern_count
    from {{ ref('restriction_patterns') }}
    where not is_valid
    group by page_name

),

{# What cannot be understood may forbid anything. #}
faulty_restrictions as (

    select
        page_name,
        min(row_label || ': ' || fault_reason) as example,
        count(*) as row_count
    from {{ ref('stg_restriction_rows') }}
    where fault_reason is not null and page_match_count = 1
    group by page_name

),

missing_restrictions as (

    select page_name from {{ ref('restricted_pages') }}
    where is_restricted and is_missing

),

{# A restriction row sets the minimum of the scope that it is about. #}
minimum_pools as (

    select
        page_name,
        max(case when applies_to_scope in ('ALL', 'PPV_ONLY') then min_ppv_pool end) as min_ppv_pool,
        max(case when applies_to_scope in ('ALL', 'BUMP_ONLY') then min_bump_pool end) as min_bump_pool
    from {{ ref('stg_creator_caption_restrictions') }}
    group by page_name

),

pools as (

    select
        page_name,
        sum(case when price_tier = 'budget' then pool_size else 0 end) as budget_pool,
        sum(case when price_tier = 'mid' then pool_size else 0 end) as mid_pool,
        sum(case when price_tier = 'premium' then pool_size else 0 end) as premium_pool,
        sum(case when price_tier = 'bump' then pool_size else 0 end) as bump_pool
    from {{ ref('page_tier_pools') }}
    group by page_name

),

measured as (

    select
        creators.page_name,
        creators.schedule_date,
        creators.num_budget,
        creators.num_mid,
        creators.num_premium,
        creators.num_bump,
        cast(coalesce(pools.budget_pool, 0) as int64) as budget_pool,
        cast(coalesce(pools.mid_pool, 0) as int64) as mid_pool,
        cast(coalesce(pools.premium_pool, 0) as int64) as premium_pool,
        cast(coalesce(pools.bump_pool, 0) as int64) as bump_pool,
        coalesce(minimum_pools.min_ppv_pool, 0) as min_ppv_pool,
        coalesce(minimum_pools.min_bump_pool, 0) as min_bump_pool,
        broken_patterns.example as broken_pattern,
        broken_patterns.pattern_count as broken_pattern_count,
        faulty_restrictions.example as faulty_restriction,
        faulty_restrictions.row_count as faulty_restriction_count,
        missing_restrictions.page_name is not null as is_restriction_missing
    from creators
    left join pools on creators.page_name = pools.page_name
    left join minimum_pools on creators.page_name = minimum_pools.page_name
    left join broken_patterns on creators.page_name = broken_patterns.page_name
    left join faulty_restrictions on creators.page_name = faulty_restrictions.page_name
    left join missing_restrictions on creators.page_name = missing_restrictions.page_name

),

reasoned as (

    select
        *,
        {{ join_texts([
            "case when faulty_restriction is not null then 'a row of creator_caption_restrictions cannot be used: '"
            ~ " || faulty_restriction || case when faulty_restriction_count > 1 then ' (one of '"
            ~ " || cast(faulty_restriction_count as string) || ')' else '' end"
            ~ " || ': mend the row, or set its is_active to false' end",
            "case when is_restriction_missing then 'the page was restricted, and creator_caption_restrictions has'"
            ~ " || ' no row for it now: bring the row back, or lift it with one whose is_active is false' end",
            "case when broken_pattern is not null then broken_pattern || ' does not compile'"
            ~ " || case when broken_pattern_count > 1 then ' (one of ' || cast(broken_pattern_count as string)"
            ~ " || ')' else '' end || ': mend it in creator_caption_restrictions' end",
            "case when budget_pool + mid_pool + premium_pool < min_ppv_pool then 'only '"
            ~ " || cast(budget_pool + mid_pool + premium_pool as string) || ' priced captions are free, min_ppv_pool is '"
            ~ " || cast(min_ppv_pool as string) || ': add captions or loosen the restrictions' end",
            "case when bump_pool < min_bump_pool then 'only ' || cast(bump_pool as string)"
            ~ " || ' bump captions are free, min_bump_pool is ' || cast(min_bump_pool as string)"
            ~ " || ': add captions or loosen the restrictions' end",
            "case when num_budget > 0 and budget_pool = 0 then 'no budget caption is free: add some' end",
            "case when num_mid > 0 and mid_pool = 0 then 'no mid caption is free: add some' end",
            "case when num_premium > 0 and premium_pool = 0 then 'no premium caption is free: add some' end",
            "case when num_bump > 0 and bump_pool = 0 then 'no bump caption is free: add some' end",
        ]) }} as failure_reason
    from measured

),

final as (

    select
        page_name,
        schedule_date,
        case when failure_reason is null then 'ok' else 'failed' end as check_status,
        failure_reason,
        budget_pool,
        mid_pool,
        premium_pool,
        bump_pool,
        min_ppv_pool,
        min_bump_pool
    from reasoned

)

select * from final
