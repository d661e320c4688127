{{ config(materialized='view') }}

with

checked_messages as (

    select * from {{ ref('mass_messages_checked') }}

),

final as (

    select
        row_id,
        page_name,
        sending_time,
        sending_date,
        price,
        sent_count,
        viewed_count,
        purchased_count,
        earnings,
        message_type,
        caption_id,
        caption_key
    from checked_messages
    where rejection_reason is null

)

select * from final
