-- depends_on: {{ ref('restricted_pages') }} (which looks at what stood here before)

with

restriction_rows as (

    select * from {{ ref('stg_restriction_rows') }}
    where is_in_force

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
    from restriction_rows

)

select * from final
