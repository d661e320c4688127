{{ config(materialized='view') }}

with

outcomes as (

    select
        *,
        greatest(earnings, 0e0) / viewed_count as value_per_view
    from {{ ref('message_outcomes') }}
    where
        sending_date >= {{ execution_date(-var('belief_window_days') - 1) }}
        and sending_time >= {{ as_of(minus_days=var('belief_window_days')) }}

),

bank_tiers as (

    select
        caption_id,
        price_tier
    from {{ ref('stg_caption_bank') }}

),

caption_tiers as (

    select
        caption_id,
        price_tier
    from bank_tiers

    union all

    select
        captions.caption_id,
        captions.price_tier
    from {{ ref('stg_captions') }} as captions
    left join bank_tiers on captions.caption_id = bank_tiers.caption_id
    where bank_tiers.caption_id is null

),

{# Outcomes that were stored before prices were do not know what was typical on their date. #}
undated as (

    select
        page_name,
        {{ execution_date() }} as median_date,
        value_per_view
    from outcomes
    where typical_value is null and earnings > 0

),

undated_typicals as (

    {{ rolling_median('undated', 'value_per_view', 'median_date', 1, 'typical_value') }}

),

described as (

    select
        outcomes.row_id,
        outcomes.page_name,
        outcomes.caption_id,
        outcomes.sending_time,
        outcomes.sending_date,
        outcomes.sent_count,
        outcomes.viewed_count,
        outcomes.earnings,
        outcomes.value_per_view,
        coalesce(caption_tiers.price_tier = 'bump', false) as is_bump,
        outcomes.earnings > 0
        or coalesce(
            outcomes.price > 0,
            outcomes.typical_value is null and coalesce(caption_tiers.price_tier != 'bump', true)
        ) as is_priced,
        coalesce(outcomes.typical_value, undated_typicals.typical_value, 0e0) as typical_value
    from outcomes
    left join caption_tiers on outcomes.caption_id = caption_tiers.caption_id
    left join undated_typicals
        on outcomes.page_name = undated_typicals.page_name and outcomes.typical_value is null

),

final as (

    select
        row_id,
        page_name,
        caption_id,
        is_bump,
        sending_time,
        sending_date,
        earnings,
        {#- The floor keeps a message that nobody bought comparable: a quarter of what is usual, not -∞. #}
        case when is_priced then ln(greatest(value_per_view, 0.25e0 * typical_value, 0.000001e0)) end as log_value,
        case when sent_count > 0 then ln(greatest(viewed_count, 0.5e0) / sent_count) end as log_opens
    from described

)

select * from final
