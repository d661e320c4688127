with

restriction_rows as (

    select * from {{ ref('creator_caption_restrictions_checked') }}
    where not is_blank

),

pages as (

    select distinct page_name from {{ ref('mass_messages_checked') }}
    where rejection_reason is null or rejection_reason = 'sending_time is in the future'

),

written_pages as (

    select distinct page_name as written_page_name
    from restriction_rows
    where page_name is not null

),

exact_matches as (

    select written_pages.written_page_name
    from written_pages
    inner join pages on written_pages.written_page_name = pages.page_name

),

{# Only a name that no page has is tried in other spellings; pages themselves are never merged. #}
loose_matches as (

    select
        written_pages.written_page_name,
        pages.page_name
    from written_pages
    inner join pages
        on {{ loose_name('written_pages.written_page_name') }} = {{ loose_name('pages.page_name') }}
    where written_pages.written_page_name not in (select exact_matches.written_page_name from exact_matches)

),

page_matches as (

    select
        written_page_name,
        1 as page_match_count,
        written_page_name as matched_page_name
    from exact_matches

    union all

    select
        written_page_name,
        count(*) as page_match_count,
        min(page_name) as matched_page_name
    from loose_matches
    group by written_page_name

),

resolved as (

    select
        case
            when page_matches.page_match_count = 1 then page_matches.matched_page_name
            else restriction_rows.page_name
        end as page_name,
        restriction_rows.page_name as written_page_name,
        coalesce(page_matches.page_match_count, 0) as page_match_count,
        restriction_rows.applies_to_scope,
        restriction_rows.hard_patterns,
        restriction_rows.soft_patterns,
        restriction_rows.restricted_categories,
        restriction_rows.restricted_price_tiers,
        restriction_rows.min_ppv_pool,
        restriction_rows.min_bump_pool,
        restriction_rows.is_active,
        restriction_rows.updated_at,
        restriction_rows.has_unusable_update,
        restriction_rows.version,
        restriction_rows.is_restricting,
        restriction_rows.rules,
        restriction_rows.rejection_reason,
        restriction_rows.rejection_reason is null as is_accepted,
        restriction_rows.raw_row as raw_text
    from restriction_rows
    left join page_matches on restriction_rows.page_name = page_matches.written_page_name
    where not restriction_rows.is_copy

),

compared as (

    select
        *,
        max(case when is_accepted then version end) over (partition by page_name, applies_to_scope) as newest_version,
        row_number() over (
            partition by page_name, applies_to_scope, is_accepted
            order by version desc nulls last, updated_at desc nulls last, rules asc, written_page_name asc
        ) as recency,
        max(case when is_accepted then updated_at end) over (partition by page_name, applies_to_scope, version)
            as newest_change
    from resolved

),

{# The rows of the newest version that may be its last change. #}
contenders as (

    select
        *,
        is_accepted
        and coalesce(version = newest_version, newest_version is null)
        and (has_unusable_update or coalesce(updated_at = newest_change, newest_change is null)) as is_contender
    from compared

),

contended as (

    select
        *,
        case when is_contender and is_active then rules when is_contender then 'inactive' end as contended_rules
    from contenders

),

decided as (

    select
        *,
        is_accepted and recency = 1 and is_active as is_in_force,
        is_contender
        and min(contended_rules) over (partition by page_name, applies_to_scope)
        != max(contended_rules) over (partition by page_name, applies_to_scope) as is_contradicted
    from contended

),

final as (

    select
        page_name,
        written_page_name,
        page_match_count,
        applies_to_scope,
        hard_patterns,
        soft_patterns,
        restricted_categories,
        restricted_price_tiers,
        min_ppv_pool,
        min_bump_pool,
        is_active,
        updated_at,
        has_unusable_update,
        version,
        is_restricting,
        is_in_force,
        case
            when not is_accepted and (not is_active or coalesce(version < newest_version, false)) then null
            when not is_accepted then rejection_reason
            when is_contradicted and is_active then 'another row of this page, scope and version says otherwise'
        end as fault_reason,
        case
            when page_name is null then 'the row ' || substr(raw_text, 1, 200)
            else
                'page ' || written_page_name || ', scope ' || applies_to_scope
                || coalesce(', version ' || cast(version as string), '')
        end as row_label
    from decided

)

select * from final
