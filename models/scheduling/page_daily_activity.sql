{#- The oldest date that any rule of the schedule looks at: the week so far, each of its days
    compared with 7 + 30 dates before it. #}
{%- set oldest = -(6 + 7 + 30) %}

with

messages as (

    select * from {{ ref('stg_mass_messages') }}
    where sending_date between {{ execution_date(oldest) }} and {{ execution_date() }}

),

final as (

    select
        page_name,
        sending_date,
        count(*) as message_count,
        cast(sum(sent_count) as int64) as sent_count,
        cast(sum(viewed_count) as int64) as viewed_count,
        {{ exact_sum('earnings') }} as earnings,
        max(sent_count) as largest_sent_count,
        coalesce({{ exact_sum('case when price > 0 then earnings end') }}, 0e0) as priced_earnings,
        coalesce({{ exact_sum('case when price > 0 then price * earnings end') }}, 0e0) as price_weighted_earnings,
        max(sending_time) as last_sending_time
    from messages
    group by page_name, sending_date

)

select * from final
