{#- A view: who looks at it sees the tables as they are now, whatever was built without it. -#}
{{ config(materialized='view') }}

with

restriction_rows as (

    select * from {{ ref('creator_caption_restrictions_checked') }}

),

creator_checks as (

    select * from {{ ref('creator_checks') }}

),

rows_without_a_page as (

    select *
    from restriction_rows
    where rejection_reason is not null and page_name is null and is_active

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
        'restriction_without_page' as stop_name,
        'creator_caption_restrictions has a row whose page cannot be read: ' || rejection_reason as reason,
        'write the page into the row, or take the row out' as next_step
    from rows_without_a_page

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
