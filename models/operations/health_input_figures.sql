{{ config(materialized='view', tags=['performance', 'daily']) }}

{%- set moment = current_moment() %}
{%- set today = local_date(moment) %}

with

{# Not stg_mass_messages: a refused input holds that up, and health must not depend on the guard. #}
messages as (

    select * from {{ ref('mass_messages_checked') }}
    where rejection_reason is null and sending_time <= {{ moment }}

),

caption_keys as (

    select distinct caption_key from {{ ref('stg_caption_bank') }}

),

known_captions as (

    select caption_id from {{ ref('stg_caption_bank') }}
    union distinct
    select caption_id from {{ ref('stg_captions') }}

),

input_counts as (

    select * from {{ ref('input_reconciliation') }}

),

findings as (

    select * from {{ ref('message_findings') }}
    where sending_date >= {{ add_days(today, -var('stats_window_days') - var('median_window_days')) }}

),

calibration as (

    select * from {{ ref('belief_calibration') }}
    where quantity is null

),

{# What the newest performance run said of itself, whatever has stopped the runs after it. #}
newest_learning as (

    select *
    from {{ source('operations', 'learning_log') }}
    where true
    qualify row_number() over (order by noted_at desc, job_id asc) = 1

),

matched_messages as (

    select
        messages.sending_date >= {{ add_days(today, -7) }} as is_recent,
        known_captions.caption_id is not null or caption_keys.caption_key is not null as is_matched
    from messages
    left join caption_keys on messages.caption_key = caption_keys.caption_key
    left join known_captions on messages.caption_id = known_captions.caption_id
    {#- An old key says nothing about a bank with new ones. #}
    where
        messages.sending_date between {{ add_days(today, -37) }} and {{ add_days(today, -1) }}
        and not coalesce(messages.has_old_key, false)

),

match_rates as (

    select
        count(case when is_recent then 1 end) as recent_messages,
        count(case when is_recent and is_matched then 1 end)
        / nullif(count(case when is_recent then 1 end), 0) as recent_rate,
        count(case when not is_recent and is_matched then 1 end)
        / nullif(count(case when not is_recent then 1 end), 0) as earlier_rate
    from matched_messages

),

final as (

    select
        'input_rows' as check_name,
        {{ hours_between('max(sending_time)', moment) }} as figure,
        cast(null as string) as detail
    from messages
    where sending_date >= {{ add_days(today, -37) }}

    union all

    select
        'rejected_share' as check_name,
        coalesce(max(rows_unusable / nullif(rows_judged, 0)), 0) as figure,
        cast(null as string) as detail
    from input_counts
    {#- A row of the restrictions that cannot be read is a matter of its creator. #}
    where source_name != 'creator_caption_restrictions'

    union all

    select
        'caption_match_rate' as check_name,
        case
            when recent_messages >= 20 and recent_rate = 0 then 1
            when recent_messages >= 20 then greatest(coalesce(earlier_rate - recent_rate, 0), 0)
            else 0
        end as figure,
        cast(null as string) as detail
    from match_rates

    union all

    {#- An absolute bound: a fault that has been there from the first day shows in no comparison. #}
    select
        'learnt_share' as check_name,
        coalesce(max(case when eligible_messages >= 20 then 1 - outcomes / eligible_messages end), 0) as figure,
        ': of ' || cast(sum(eligible_messages) as string) || ' messages, ' || cast(sum(matched_messages) as string)
        || ' have a known caption and ' || cast(sum(outcomes) as string) || ' taught something' as detail
    from newest_learning

    union all

    select
        'older_messages' as check_name,
        cast(coalesce(sum(new_messages + changed_messages), 0) as float64) as figure,
        coalesce(
            cast(min(case when new_messages + changed_messages > 0 then sending_date end) as string), 'DATE'
        ) as detail
    from findings

    union all

    select
        'twin_messages' as check_name,
        cast(coalesce(sum(twin_messages), 0) as float64) as figure,
        cast(null as string) as detail
    from findings

    union all

    {#- Beliefs that are too sure cover less than 4 of 5, ones that are too unsure more. Rounded, since 0.8 - 0.7 is
        more than 0.1 in floating point. #}
    select
        'belief_calibration' as check_name,
        coalesce(max(case when message_count >= 200 then round(abs(coverage - 0.8e0), 9) end), 0) as figure,
        max(
            case
                when message_count >= 200
                    then ': ' || cast(covered_count as string) || ' of ' || cast(message_count as string) || ' do'
            end
        ) as detail
    from calibration

)

select * from final
