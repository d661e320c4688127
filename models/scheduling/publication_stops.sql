with

restriction_rows as (

    select * from {{ ref('creator_caption_restrictions_checked') }}

),

input_stops as (

    select * from {{ ref('input_stops') }}

),

rows_without_a_page as (

    select *
    from restriction_rows
    where rejection_reason is not null and page_name is null and is_active

),

final as (

    select
        'restriction_without_page' as stop_name,
        'creator_caption_restrictions has a row whose page cannot be read: ' || rejection_reason as reason,
        'write the page into the row, or take the row out' as next_step
    from rows_without_a_page

    union all

    select
        'rejected_share' as stop_name,
        reason,
        next_step
    from input_stops

)

select * from final
