{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['schedule_id', 'time_slot_rank'],
        cluster_by=['schedule_id', 'time_slot_rank'],
        full_refresh=false,
        tags=['performance'],
        post_hook=[
            "{{ cancel_withdrawn_locks() }}",
            "{{ delete_withdrawn_messages() }}",
            "{{ deactivate_withdrawn_recommendations() }}",
            "{{ raise_withdrawal_alert() }}"
        ]
    )
}}

with

pending as (

    select
        *,
        case when price_tier = 'bump' then 'BUMP_ONLY' else 'PPV_ONLY' end as scope
    from {{ ref('pending_messages') }}

),

restriction_rows as (

    select * from {{ ref('stg_restriction_rows') }}
    where is_in_force or fault_reason is not null

),

patterns as (

    select * from {{ ref('forbidding_patterns') }}
    where is_valid

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

texts as (

    select distinct caption_text from pending

),

{# A message may have a text that the bank no longer has: it is known by its text here. A match in any form
    of it counts, as where captions are chosen. #}
text_forms as (

    {{ caption_forms('texts', 'caption_text') }}

),

text_matches as (

    {{ pattern_matches(ref('forbidding_patterns'), 'patterns', 'text_forms') }}

),

forbidden_by_pattern as (

    select
        pending.schedule_id,
        pending.time_slot_rank,
        'hard pattern ' || patterns.pattern as reason
    from pending
    inner join text_matches on pending.caption_text = text_matches.caption_id
    inner join patterns
        on
            text_matches.pattern = patterns.pattern
            and pending.page_name = patterns.page_name
            {# A scope that is none may be any. #}
            and (
                patterns.applies_to_scope in ('ALL', pending.scope)
                or patterns.applies_to_scope not in ('PPV_ONLY', 'BUMP_ONLY')
            )

),

{# The caption as it was published, and as the bank has it now. #}
named as (

    select
        pending.schedule_id,
        pending.time_slot_rank,
        pending.page_name,
        pending.scope,
        pending.price_tier,
        {{ clean_text('pending.content_category') }} as content_category
    from pending

    union distinct

    select
        pending.schedule_id,
        pending.time_slot_rank,
        pending.page_name,
        pending.scope,
        caption_bank.price_tier,
        {{ clean_text('caption_bank.content_category') }} as content_category
    from pending
    inner join caption_bank on pending.caption_id = caption_bank.caption_id

),

forbidden_by_name as (

    select
        named.schedule_id,
        named.time_slot_rank,
        case
            when {{ array_has('restriction_rows.restricted_categories', 'named.content_category') }}
                then 'category ' || named.content_category
            else 'tier ' || named.price_tier
        end as reason
    from named
    inner join restriction_rows
        on
            named.page_name = restriction_rows.page_name
            and (
                restriction_rows.applies_to_scope in ('ALL', named.scope)
                or restriction_rows.applies_to_scope not in ('PPV_ONLY', 'BUMP_ONLY')
            )
    where
        {{ array_has('restriction_rows.restricted_categories', 'named.content_category') }}
        or {{ array_has('restriction_rows.restricted_price_tiers', 'named.price_tier') }}

),

forbidden as (

    select * from forbidden_by_pattern

    union all

    select * from forbidden_by_name

),

first_reasons as (

    select
        schedule_id,
        time_slot_rank,
        min(reason) as reason
    from forbidden
    group by schedule_id, time_slot_rank

),

final as (

    select
        pending.schedule_id,
        pending.time_slot_rank,
        pending.page_name,
        pending.scheduled_send_time,
        pending.caption_id,
        pending.caption_text,
        'creator_caption_restrictions forbids the ' || first_reasons.reason || ' on the page ' || pending.page_name
            as reason,
        {{ as_of() }} as withdrawn_at,
        '{{ invocation_id }}' as job_id
    from pending
    inner join first_reasons
        on
            pending.schedule_id = first_reasons.schedule_id
            and pending.time_slot_rank = first_reasons.time_slot_rank

)

select * from final
