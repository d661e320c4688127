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
        {{ read_text('applies_to_scope') }} as applies_to_scope_text,
        coalesce(upper({{ clean_text('cast(applies_to_scope as string)') }}), 'ALL') as applies_to_scope,
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
            [reject_when('page_name is null', 'page_name is missing')]
            + list_reasons('hard_patterns', is_patterns=true)
            + list_reasons('soft_patterns', is_patterns=true)
            + list_reasons('restricted_categories')
            + list_reasons('restricted_price_tiers')
            + [
                reject_when(
                    "applies_to_scope not in ('PPV_ONLY', 'BUMP_ONLY', 'ALL')",
                    'applies_to_scope is none of PPV_ONLY, BUMP_ONLY, ALL'
                ),
                reject_when('is_active_text is not null and is_active is null', 'is_active is not a truth value'),
            ]
            + number_reasons('min_ppv_pool', whole=true, not_negative=true)
            + number_reasons('min_bump_pool', whole=true, not_negative=true)
            + number_reasons('version', whole=true)
        ) }} as row_reason,
        {{ list_restricts('hard_patterns') }}
        or {{ list_restricts('soft_patterns') }}
        or {{ list_restricts('restricted_categories') }}
        or {{ list_restricts('restricted_price_tiers') }}
        or ({{ number_text('min_ppv_pool') }} is not null and coalesce(min_ppv_pool_number, 1) != 0)
        or ({{ number_text('min_bump_pool') }} is not null and coalesce(min_bump_pool_number, 1) != 0) as is_restricting
    from typed

),

{# BigQuery's tables hold no NULL arrays: an empty one is written for it. #}
parsed as (

    select
        page_name,
        {{ pattern_forms('hard_patterns') }} as hard_patterns,
        {{ pattern_forms('soft_patterns') }} as soft_patterns,
        {{ clean_names('restricted_categories') }} as restricted_categories,
        {{ clean_names('restricted_price_tiers') }} as restricted_price_tiers,
        applies_to_scope,
        cast(case when row_reason is null then min_ppv_pool_number end as int64) as min_ppv_pool,
        cast(case when row_reason is null then min_bump_pool_number end as int64) as min_bump_pool,
        coalesce(is_active, true) as is_active,
        updated_at,
        updated_at_text is not null and updated_at is null as has_unusable_update,
        {# Of a row that cannot be used as well: a higher version may have taken its place. #}
        cast(
            case
                when version_number = floor(version_number) and abs(version_number) <= 1e12 then version_number
            end as int64
        ) as version,
        is_restricting,
        page_name is null
        and not is_restricting
        and coalesce(
            applies_to_scope_text,
            {{ number_text('min_ppv_pool') }},
            {{ number_text('min_bump_pool') }},
            is_active_text,
            updated_at_text,
            {{ number_text('version') }}
        ) is null as is_blank,
        row_reason,
        {{ row_as_json('raw_row') }} as raw_row
    from judged

),

ruled as (

    select
        *,
        {{ row_as_json(struct_of({
            'hard_patterns': 'hard_patterns',
            'soft_patterns': 'soft_patterns',
            'restricted_categories': 'restricted_categories',
            'restricted_price_tiers': 'restricted_price_tiers',
            'min_ppv_pool': 'min_ppv_pool',
            'min_bump_pool': 'min_bump_pool',
            'is_active': 'is_active',
        })) }} as rules
    from parsed

),

ranked as (

    select
        *,
        row_number() over (
            partition by
                page_name, applies_to_scope, cast(version as string), updated_at, has_unusable_update, rules,
                row_reason is null
            order by raw_row asc
        ) as row_rank
    from ruled

),

final as (

    select
        page_name,
        hard_patterns,
        soft_patterns,
        restricted_categories,
        restricted_price_tiers,
        applies_to_scope,
        min_ppv_pool,
        min_bump_pool,
        is_active,
        updated_at,
        has_unusable_update,
        version,
        is_restricting,
        is_blank,
        rules,
        case
            when row_reason is not null then row_reason
            when row_rank > 1 then 'it says the same as another row'
        end as rejection_reason,
        row_reason is null and row_rank > 1 as is_copy,
        page_name as row_key,
        raw_row
    from ranked

)

select * from final
