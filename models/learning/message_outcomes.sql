{{
    config(
        materialized='incremental',
        incremental_strategy=replace_window_strategy(),
        partition_by={'field': 'sending_date', 'data_type': 'date'},
        cluster_by=['page_name', 'row_id'],
        full_refresh=false,
        meta={'window_lag_days': 2},
        pre_hook=["{{ note_window_begun() }}", "{{ note_texts_keyed_again() }}"],
        post_hook="{{ note_outcomes_built() }}"
    )
}}

{%- set noted = window_facts() if is_incremental() else none %}
{%- set first_date = first_reevaluated_date(this, lag_days=2, noted=noted) if is_incremental() else none %}

with

messages as (

    select * from {{ ref('stg_mass_messages') }}
    {%- if first_date %}
    where sending_date >= {{ add_days(first_date, 1 - var('median_window_days')) }}
    {%- endif %}

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

known_captions as (

    select caption_id from caption_bank
    union distinct
    select caption_id from {{ ref('stg_captions') }}

),

viewed_messages as (

    select
        *,
        purchased_count / viewed_count * earnings as emv
    from messages
    where viewed_count > 0

),

page_medians as (

    {{ rolling_median('viewed_messages', 'emv', 'sending_date', var('median_window_days'), 'page_median_emv') }}

),

{# The same text often stands in the bank under several ids; the smallest takes the credit. #}
captions_by_key as (

    select
        caption_key,
        min(caption_id) as caption_id
    from caption_bank
    group by caption_key

),

{%- if first_date %}

{# A text that the bank has lost keeps the caption that its messages were counted for, also when all is
    evaluated anew: hence no full refresh makes the table anew. After a change of the rule for keys, a caption
    that the bank still has was perhaps taken for another: there the new keys alone count. #}
previous_captions as (

    select
        row_id,
        caption_id,
        {% if has_other_keys(this, noted) -%}
        caption_id not in (select caption_bank.caption_id from caption_bank) as is_kept
        {%- else -%}
        true as is_kept
        {%- endif %}
    from {{ this }}
    where sending_date >= {{ first_date }}

),
{%- endif %}

mature_messages as (

    select
        viewed_messages.*,
        {#- An id that nobody knows tells nothing; the text may. #}
        coalesce(
            known_captions.caption_id,
            {%- if first_date %}
            case when viewed_messages.has_old_key then previous_captions.caption_id end,
            {%- endif %}
            captions_by_key.caption_id
            {%- if first_date %},
            case when previous_captions.is_kept then previous_captions.caption_id end
            {%- endif %}
        ) as resolved_caption_id
    from viewed_messages
    left join known_captions on viewed_messages.caption_id = known_captions.caption_id
    left join captions_by_key on viewed_messages.caption_key = captions_by_key.caption_key
    {%- if first_date %}
    left join previous_captions on viewed_messages.row_id = previous_captions.row_id
    {%- endif %}
    where
        viewed_messages.sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}
    {%- if first_date %}
        and viewed_messages.sending_date >= {{ first_date }}
    {%- endif %}

),

{# What the page's outcomes earned per view, those of the dates before included. #}
earned_per_view as (

    select
        page_name,
        sending_date,
        case when earnings > 0 then earnings / viewed_count end as value_per_view
    from mature_messages
    where resolved_caption_id is not null
    {%- if first_date %}

    union all

    select
        page_name,
        sending_date,
        case when earnings > 0 then earnings / viewed_count end as value_per_view
    from {{ this }}
    where
        sending_date >= {{ add_days(first_date, 1 - var('median_window_days')) }}
        and sending_date < {{ first_date }}
    {%- endif %}

),

page_typicals as (

    {{ rolling_median(
        'earned_per_view', 'value_per_view', 'sending_date', var('median_window_days'), 'typical_value'
    ) }}

),

typicals_by_date as (

    select
        'all pages' as page_name,
        sending_date,
        typical_value
    from page_typicals

),

agency_typicals as (

    {{ rolling_median('typicals_by_date', 'typical_value', 'sending_date', 1, 'typical_value') }}

),

final as (

    select
        mature_messages.row_id,
        mature_messages.page_name,
        mature_messages.resolved_caption_id as caption_id,
        mature_messages.sending_time,
        mature_messages.sending_date,
        mature_messages.sent_count,
        mature_messages.viewed_count,
        mature_messages.purchased_count,
        mature_messages.earnings,
        mature_messages.emv,
        page_medians.page_median_emv,
        mature_messages.emv > page_medians.page_median_emv as is_success,
        coalesce(mature_messages.price, 0e0) as price,
        coalesce(page_typicals.typical_value, agency_typicals.typical_value, 0.000001e0) as typical_value
    from mature_messages
    inner join page_medians
        on
            mature_messages.page_name = page_medians.page_name
            and mature_messages.sending_date = page_medians.sending_date
    left join page_typicals
        on
            mature_messages.page_name = page_typicals.page_name
            and mature_messages.sending_date = page_typicals.sending_date
    left join agency_typicals on mature_messages.sending_date = agency_typicals.sending_date
    where mature_messages.resolved_caption_id is not null

)

select * from final
