{#- Nothing is dropped on the way: every accepted message of the re-evaluated dates that was viewed, is
    mature and has an id or a text that somebody knows has an outcome. -#}
with

known_captions as (

    select caption_id from {{ ref('stg_caption_bank') }}
    union distinct
    select caption_id from {{ ref('stg_captions') }}

),

due_messages as (

    select row_id
    from {{ ref('stg_mass_messages') }} as messages
    where
        sending_date >= {{ execution_date(1 - var('message_lookback_days')) }}
        and sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}
        and viewed_count > 0
        and (
            caption_id in (select known_captions.caption_id from known_captions)
            or exists (
                select 1
                from {{ ref('stg_caption_bank') }} as bank
                where bank.caption_key = messages.caption_key
            )
        )

),

outcomes as (

    select row_id
    from {{ ref('message_outcomes') }}
    where sending_date >= {{ execution_date(-var('message_lookback_days')) }}

)

select due_messages.row_id
from due_messages
left join outcomes on due_messages.row_id = outcomes.row_id
where outcomes.row_id is null
