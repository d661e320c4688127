{{ config(post_hook="{{ record_learning_coverage() }}") }}

with

{# Those that the statistics are about, seen by a fan or not. #}
messages as (

    select
        row_id,
        sending_date,
        viewed_count,
        caption_id,
        caption_key
    from {{ ref('stg_mass_messages') }}
    where
        sending_date >= {{ execution_date(-var('stats_window_days') - 1) }}
        and sending_time >= {{ as_of(minus_days=var('stats_window_days')) }}
        and sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}

),

outcomes as (

    select row_id
    from {{ ref('message_outcomes') }}
    where sending_date >= {{ execution_date(-var('stats_window_days') - 1) }}

),

caption_keys as (

    select distinct caption_key from {{ ref('stg_caption_bank') }}

),

caption_ids as (

    select caption_id from {{ ref('stg_caption_bank') }}
    union distinct
    select caption_id from {{ ref('stg_captions') }}

),

unlearnt as (

    select
        messages.sending_date,
        messages.viewed_count,
        caption_keys.caption_key is not null as has_known_text,
        caption_ids.caption_id is not null as has_known_caption
    from messages
    left join outcomes on messages.row_id = outcomes.row_id
    left join caption_keys on messages.caption_key = caption_keys.caption_key
    left join caption_ids on messages.caption_id = caption_ids.caption_id
    where outcomes.row_id is null

),

eligible as (

    select count(*) as message_count from messages

),

counted as (

    select
        count(*) as message_count,
        count(case when has_known_text or has_known_caption then 1 end) as matched_count,
        {#- A text that came into the bank after its messages: the next run goes back for them. #}
        min(case when has_known_text and viewed_count > 0 then sending_date end) as unlearnt_since
    from unlearnt

),

final as (

    select
        {{ as_of() }} as measured_for,
        eligible.message_count as eligible_messages,
        eligible.message_count - counted.message_count + counted.matched_count as matched_messages,
        eligible.message_count - counted.message_count as outcomes,
        counted.unlearnt_since
    from counted
    cross join eligible

)

select * from final
