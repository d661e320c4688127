-- depends_on: {{ ref('caption_lock_summary') }} (the sweep comes first)
-- depends_on: {{ ref('withdrawn_messages') }} (what is withdrawn frees its text)

with

assignments as (

    select * from {{ source('operations', 'active_caption_assignments') }}
    where
        scheduled_send_date between {{ execution_date(-var('caption_reuse_days')) }}
        and {{ execution_date(var('caption_reuse_days')) }}

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

{# Swept or not, an assigned text rests; only a cancelled one is free. The day's own schedule does
    not count against itself, so that planning the same day again decides the same. #}
standing as (

    select
        *,
        {{ clean_text('page_name') }} as clean_page_name
    from assignments
    where
        not (not is_active and coalesce({{ clean_text('deactivation_reason') }}, '') like 'cancel%')
        and coalesce(schedule_id, '') != {{ schedule_id(clean_text('page_name'), execution_date()) }}

),

final as (

    select
        standing.clean_page_name as page_name,
        standing.caption_id,
        standing.scheduled_send_date,
        coalesce({{ function_name('caption_key_v2') }}(standing.caption_text), caption_bank.caption_key) as caption_key,
        case when caption_bank.caption_id is not null then coalesce(caption_bank.content_category, '') end
            as content_category,
        coalesce({{ clean_text('standing.price_tier') }}, caption_bank.price_tier) as price_tier,
        caption_bank.has_urgency,
        standing.scheduled_send_date < {{ execution_date() }} as is_before
    from standing
    left join caption_bank on standing.caption_id = caption_bank.caption_id

)

select * from final
