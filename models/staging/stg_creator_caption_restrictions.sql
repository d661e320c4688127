with

checked_restrictions as (

    select * from {{ ref('creator_caption_restrictions_checked') }}

),

latest_versions as (

    select *
    from checked_restrictions
    where rejection_reason is null
    qualify
        row_number() over (
            partition by page_name, applies_to_scope
            order by version desc nulls last, updated_at desc nulls last
        ) = 1

),

final as (

    select
        page_name,
        applies_to_scope,
        hard_patterns,
        soft_patterns,
        restricted_categories,
        restricted_price_tiers,
        coalesce(min_ppv_pool, {{ var('default_min_ppv_pool') }}) as min_ppv_pool,
        coalesce(min_bump_pool, {{ var('default_min_bump_pool') }}) as min_bump_pool,
        updated_at,
        version
    from latest_versions
    where is_active

)

select * from final
