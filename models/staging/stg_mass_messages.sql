{{ config(materialized='view') }}

{#- While an input is refused, a test on input_stops holds up this view and with it all that learns and
    plans. Health reads the messages themselves, so that it can say so. -#}
-- depends_on: {{ ref('input_stops') }}

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
        caption_key,
        has_old_key
    from checked_messages
    where rejection_reason is null and sending_time <= {{ as_of() }}

)

select * from final
