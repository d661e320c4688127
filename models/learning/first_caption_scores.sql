{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['caption_id', 'text_digest'],
        cluster_by=['caption_id', 'text_digest'],
        full_refresh=false
    )
}}

{#- A plan that is made in advance has seen nothing of the days until then. #}
{%- set seen_at = [as_of_datetime(), run_started_at.astimezone(modules.pytz.utc)] | min %}

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
        caption_id,
        text_digest,
        overall_performance_score as first_score,
        {{ timestamp_literal(seen_at) }} as first_seen_at
    from captions
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
