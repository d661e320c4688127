{#- A view: who looks at it sees the tables as they are now, whatever was built without it. -#}
{{ config(materialized='view') }}

with

restriction_rows as (

    select * from {{ ref('stg_restriction_rows') }}

),

creator_checks as (

    select * from {{ ref('creator_checks') }}

),

rows_of_no_page as (

    select
        row_label,
        case
            when page_match_count = 0 then 'mass_messages does not have'
            else 'may be any of ' || cast(page_match_count as string) || ' pages of mass_messages'
        end as problem
    from restriction_rows
    where
        page_name is not null
        and page_match_count != 1
        and is_restricting
        and (is_in_force or fault_reason is not null)

),

input_stops as (

    select * from {{ ref('input_stops') }}

),

rows_without_a_page as (

    select *
    from restriction_rows
    where fault_reason is not null and page_name is null

),

failed_creators as (

    select
        count(*) as creator_count,
        min(page_name) as first_page_name
    from creator_checks
    where check_status = 'failed'

),

final as (

    select
        'restriction_of_unknown_page' as stop_name,
        'creator_caption_restrictions restricts a page that ' || problem || ': ' || row_label as reason,
        'write its page_name as mass_messages has it, or set its is_active to false if the page is not in use'
            as next_step
    from rows_of_no_page

    union all

    select
        'restriction_without_page' as stop_name,
        'creator_caption_restrictions has a row whose page cannot be read: ' || row_label || ', ' || fault_reason
            as reason,
        'write its page_name, set its is_active to false, or take the row out' as next_step
    from rows_without_a_page

    union all

    select
        'rejected_share' as stop_name,
        reason,
        next_step
    from input_stops

    union all

    {# So many at once are more likely our fault than theirs. #}
    select
        'circuit_breaker' as stop_name,
        cast(failed_creators.creator_count as string) || ' creators cannot be scheduled, for example '
        || creator_checks.page_name || ': ' || creator_checks.failure_reason as reason,
        'mend what creator_checks says of each creator, then `eros run daily`' as next_step
    from failed_creators
    inner join creator_checks on failed_creators.first_page_name = creator_checks.page_name
    where failed_creators.creator_count >= {{ var('circuit_breaker_threshold') }}

)

select * from final
