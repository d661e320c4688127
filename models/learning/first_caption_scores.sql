{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['caption_id', 'text_digest'],
        cluster_by=['caption_id', 'text_digest'],
        full_refresh=false
    )
}}

{%- set started_at = run_started_at.astimezone(modules.pytz.utc) %}
{#- A plan that is made in advance has seen nothing of the days until then. #}
{%- set seen_at = [as_of_datetime(), started_at] | min %}

with

captions as (

    select
        caption_id,
        overall_performance_score,
        {#- Of the text as it stands: a change of the rule for keys makes no caption new. #}
        {{ hex_md5('caption_text') }} as text_digest
    from {{ ref('stg_caption_bank') }}
    where overall_performance_score is not null

),

{# A run for a moment of the past reads the bank of today: its scores may know of all that was sold until then. #}
newest_message as (

    select max(sending_time) as sent_at
    from {{ ref('mass_messages_checked') }}
    where
        sending_date >= {{ execution_date() }}
        and sending_time <= {{ timestamp_literal(started_at) }}
        and rejection_reason is null
        and viewed_count > 0

),
{%- if is_incremental() %}

seen_before as (

    select
        caption_id,
        text_digest
    from {{ this }}

),
{%- endif %}

final as (

    select
        captions.caption_id,
        captions.text_digest,
        captions.overall_performance_score as first_score,
        greatest(
            {{ timestamp_literal(seen_at) }}, coalesce(newest_message.sent_at, {{ timestamp_literal(seen_at) }})
        ) as first_seen_at
    from captions
    cross join newest_message
    {%- if is_incremental() %}
    where
        not exists (
            select 1
            from seen_before
            where
                seen_before.caption_id = captions.caption_id
                and seen_before.text_digest = captions.text_digest
        )
    {%- endif %}

)

{# What was seen first stays: a later score repeats what was sold since. #}
select * from final
