{{ config(cluster_by=['page_name', 'caption_id']) }}

with

outcomes as (

    select * from {{ ref('message_outcomes') }}
    where
        sending_date >= {{ execution_date(-var('stats_window_days') - 1) }}
        and sending_time >= {{ as_of(minus_days=var('stats_window_days')) }}

),

final as (

    select
        page_name,
        caption_id,
        count(*) as outcome_count,
        count(case when is_success then 1 end) as success_count,
        cast(sum(sent_count) as int64) as sent_count,
        cast(sum(purchased_count) as int64) as purchased_count,
        {{ exact_sum('earnings') }} as total_revenue,
        {{ exact_sum('emv') }} as emv_sum,
        {{ latest_value('emv', 'sending_time', 'row_id') }} as last_emv_observed,
        max(sending_time) as last_used
    from outcomes
    group by page_name, caption_id

)

select * from final
