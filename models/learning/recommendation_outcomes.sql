{#- How far apart a slot and the message that was sent for it may be: with its text, with another text. -#}
{%- set text_hours, other_hours = 18, 0.75 %}
{#- A pair of a slot and a message by its place among all pairs: its own text before another, then the nearest. -#}
{%- set nearest = 'is_other_text asc, abs(hours_off) asc, sending_time asc, row_id asc, '
    ~ 'schedule_id asc, time_slot_rank asc' %}
{#- Each round settles at least one pair of those that hang together, mostly all. A text rests for days on its page,
    so more than two slots that want the same messages are rare. -#}
{%- set rounds = 5 %}

with

slots as (

    select * from {{ ref('published_slots') }}

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

messages as (

    select
        row_id,
        page_name,
        sending_time,
        sending_date,
        caption_key,
        price,
        sent_count,
        viewed_count,
        purchased_count,
        earnings
    from {{ ref('stg_mass_messages') }}
    where sending_date >= {{ execution_date(-90) }}

),

newest_message as (

    select max(sending_time) as newest_at
    from {{ ref('stg_mass_messages') }}
    where sending_date >= {{ execution_date(-90) }}

),

slot_texts as (

    select distinct caption_text from slots

),

bank_texts as (

    select distinct
        caption_text,
        caption_key
    from caption_bank

),

{# A text that the bank has changed or lost since is keyed here. #}
keyed_texts as (

    select
        slot_texts.caption_text,
        coalesce(
            bank_texts.caption_key, {{ function_name('caption_key_v2') }}(slot_texts.caption_text)
        ) as caption_key
    from slot_texts
    left join bank_texts on slot_texts.caption_text = bank_texts.caption_text

),

keyed_slots as (

    select
        slots.*,
        keyed_texts.caption_key
    from slots
    left join keyed_texts on slots.caption_text = keyed_texts.caption_text

),

{# The text of the slot, however many hours early or late. A withdrawn slot asks for no message. #}
text_pairs as (

    select
        keyed_slots.schedule_id,
        keyed_slots.time_slot_rank,
        false as is_other_text,
        {{ hours_between('keyed_slots.scheduled_send_time', 'messages.sending_time') }} as hours_off,
        messages.row_id,
        messages.sending_time
    from keyed_slots
    inner join messages
        on keyed_slots.page_name = messages.page_name and keyed_slots.caption_key = messages.caption_key
    where
        keyed_slots.is_active
        and abs({{ hours_between('keyed_slots.scheduled_send_time', 'messages.sending_time') }}) <= {{ text_hours }}

),

{# What is sent a little before a slot at midnight stands under the date before; slots are at full hours. #}
slot_dates as (

    select
        schedule_date as sending_date,
        keyed_slots.*
    from keyed_slots
    where is_active

    union all

    select
        {{ add_days('schedule_date', -1) }} as sending_date,
        keyed_slots.*
    from keyed_slots
    where is_active and {{ local_hour('scheduled_send_time') }} = 0

),

{# Another text of the same kind, priced or free, near the hour of the slot: somebody sent it instead. #}
time_pairs as (

    select
        slot_dates.schedule_id,
        slot_dates.time_slot_rank,
        true as is_other_text,
        {{ hours_between('slot_dates.scheduled_send_time', 'messages.sending_time') }} as hours_off,
        messages.row_id,
        messages.sending_time
    from slot_dates
    inner join messages
        on slot_dates.page_name = messages.page_name and slot_dates.sending_date = messages.sending_date
    where
        coalesce(messages.price > 0, false) = (slot_dates.message_type = 'PPV')
        and not coalesce(slot_dates.caption_key = messages.caption_key, false)
        and abs({{ hours_between('slot_dates.scheduled_send_time', 'messages.sending_time') }}) <= {{ other_hours }}

),

{# One to one, the nearest first. A pair that is the first of its slot and the first of its message is settled, and
    every other pair of the two falls away; then the same again with what is left. #}
pairs as (

    select * from text_pairs

    union all

    select * from time_pairs

),

{# Of what would fit a slot the few nearest are enough: no more than that is taken by others. #}
pairs_0 as (

    select *
    from pairs
    where true
    qualify
        row_number() over (
            partition by schedule_id, time_slot_rank, is_other_text
            order by {{ nearest }}
        ) <= {{ rounds }}

),
{% for round in range(1, rounds + 1) %}
first_of_both_{{ round }} as (

    select
        *,
        row_number() over (partition by schedule_id, time_slot_rank order by {{ nearest }}) = 1
        and row_number() over (partition by row_id order by {{ nearest }}) = 1 as is_settled_{{ round }}
    from pairs_{{ round - 1 }}

),

pairs_{{ round }} as (

    select *
    from first_of_both_{{ round }}
    where true
    qualify
        is_settled_{{ round }}
        or (
            count(case when is_settled_{{ round }} then 1 end) over (partition by schedule_id, time_slot_rank) = 0
            and count(case when is_settled_{{ round }} then 1 end) over (partition by row_id) = 0
        )

),
{% endfor %}

settled as (

    select
        pairs_{{ rounds }}.schedule_id,
        pairs_{{ rounds }}.time_slot_rank,
        pairs_{{ rounds }}.is_other_text,
        pairs_{{ rounds }}.hours_off,
        messages.row_id,
        messages.sending_time,
        messages.price,
        messages.sent_count,
        messages.viewed_count,
        messages.purchased_count,
        messages.earnings
    from pairs_{{ rounds }}
    inner join messages on pairs_{{ rounds }}.row_id = messages.row_id
    where pairs_{{ rounds }}.is_settled_{{ rounds }}

),

final as (

    select
        keyed_slots.schedule_id,
        keyed_slots.time_slot_rank,
        keyed_slots.page_name,
        keyed_slots.schedule_date,
        keyed_slots.scheduled_send_time,
        keyed_slots.message_type,
        keyed_slots.caption_id,
        keyed_slots.caption_key,
        keyed_slots.price_tier,
        keyed_slots.selection_kind,
        keyed_slots.is_dealt_by_draw,
        keyed_slots.caption_policy,
        keyed_slots.quantity,
        keyed_slots.posterior_mean,
        keyed_slots.posterior_sd,
        keyed_slots.message_variance,
        keyed_slots.page_level,
        {#- An input that is late is no failure to send: what it may still bring is waited for. #}
        case
            when not keyed_slots.is_active then 'withdrawn'
            when
                newest_message.newest_at is null
                or {{ hours_between('keyed_slots.scheduled_send_time', 'newest_message.newest_at') }} < {{ text_hours }}
                then 'pending'
            when sent.row_id is null then 'not sent'
            when sent.is_other_text then 'other text'
            else 'sent'
        end as status,
        sent.row_id,
        sent.sending_time,
        60 * sent.hours_off as minutes_off,
        sent.price,
        sent.sent_count,
        sent.viewed_count,
        sent.purchased_count,
        sent.earnings,
        coalesce(sent.sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}, false) as is_mature
    from keyed_slots
    cross join newest_message
    left join settled as sent
        on
            keyed_slots.schedule_id = sent.schedule_id
            and keyed_slots.time_slot_rank = sent.time_slot_rank

)

select * from final
