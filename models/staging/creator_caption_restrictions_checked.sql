{{ config(materialized='view') }}

with

source_rows as (

    select *{{ absent_columns(source('inputs', 'creator_caption_restrictions'), 'creator_caption_restrictions') }}
    from {{ source('inputs', 'creator_caption_restrictions') }}

),

typed as (

    select
        source_rows as raw_row,
        {{ clean_text('cast(page_name as string)') }} as page_name,
        {{ try_string_array('hard_patterns') }} as hard_patterns,
        {{ try_string_array('soft_patterns') }} as soft_patterns,
        {{ try_string_array('restricted_categories') }} as restricted_categories,
        {{ try_string_array('restricted_price_tiers') }} as restricted_price_tiers,
        hard_patterns is not null as has_hard_patterns,
        soft_patterns is not null as has_soft_patterns,
        restricted_categories is not null as has_restricted_categories,
        restricted_price_tiers is not null as has_restricted_price_tiers,
        coalesce(upper({{ read_text('applies_to_scope') }}), 'ALL') as applies_to_scope,
        {{ read_number('min_ppv_pool') }},
        {{ read_number('min_bump_pool') }},
        {{ read_text('is_active') }} as is_active_text,
        {{ read_bool('is_active') }} as is_active,
        {{ read_text('updated_at') }} as updated_at_text,
        {{ read_time('updated_at') }} as updated_at,
        {{ read_number('version') }}
    from source_rows

),

judged as (

    select
        *,
        {{ join_texts(
            [
                reject_when('page_name is null', 'page_name is missing'),
                reject_when('has_hard_patterns and hard_patterns is null', 'hard_patterns is not a list'),
                reject_when('has_soft_patterns and soft_patterns is null', 'soft_patterns is not a list'),
                reject_when(
                    'has_restricted_categories and restricted_categories is null',
                    'restricted_categories is not a list'
                ),
                reject_when(
                    'has_restricted_price_tiers and restricted_price_tiers is null',
                    'restricted_price_tiers is not a list'
                ),
                reject_when(
                    "applies_to_scope not in ('PPV_ONLY', 'BUMP_ONLY', 'ALL')",
                    'applies_to_scope is none of PPV_ONLY, BUMP_ONLY, ALL'
                ),
                reject_when('is_active_text is not null and is_active is null', 'is_active is not a truth value'),
                reject_when('updated_at_text is not null and updated_at is null', 'updated_at is not a time'),
            ]
            + number_reasons('min_ppv_pool', whole=true, not_negative=true)
            + number_reasons('min_bump_pool', whole=true, not_negative=true)
            + number_reasons('version', whole=true)
        ) }} as row_reason
    from typed

),

ranked as (

    select
        *,
        row_number() over (
            partition by page_name, applies_to_scope, cast(version_number as string), updated_at, row_reason is null
            order by {{ row_as_json('raw_row') }} asc
        ) as row_rank
    from judged

),

{# BigQuery's tables hold no NULL arrays: an empty one is written for it. #}
final as (

    select
        page_name,
        coalesce(hard_patterns, []) as hard_patterns,
        coalesce(soft_patterns, []) as soft_patterns,
        coalesce(restricted_categories, []) as restricted_categories,
        coalesce(restricted_price_tiers, []) as restricted_price_tiers,
        applies_to_scope,
        cast(case when row_reason is null then min_ppv_pool_number end as int64) as min_ppv_pool,
        cast(case when row_reason is null then min_bump_pool_number end as int64) as min_bump_pool,
        coalesce(is_active, true) as is_active,
        updated_at,
        cast(case when row_reason is null then version_number end as int64) as version,
        case
            when row_reason is not null then row_reason
            when row_rank > 1 then 'page, scope and version are a duplicate'
        end as rejection_reason,
        page_name as row_key,
        raw_row
    from ranked

)

select * from final
