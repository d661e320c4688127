{{
    config(
        materialized='incremental',
        incremental_strategy=replace_window_strategy(),
        partition_by={'field': 'sending_date', 'data_type': 'date'},
        cluster_by=['page_name', 'row_id'],
        meta={'window_lag_days': 1}
    )
}}

{%- set first_date = first_reevaluated_date(this, lag_days=1) if is_incremental() else none %}

with

source_rows as (

    select * from {{ source('inputs', 'mass_messages') }}
    {%- if first_date %}
    where {{ sent_not_before(source('inputs', 'mass_messages'), 'sending_time', first_date) }}
    {%- endif %}

),

typed as (

    select
        source_rows as raw_row,
        {{ read_number('row_id') }},
        {{ try_cast_as('row_id', 'int64') }} as row_id_typed,
        nullif(lower(trim(cast(page_name as string))), '') as page_name,
        cast(message as string) as message,
        {{ read_text('sending_time') }} as sending_time_text,
        {{ try_cast_as('sending_time', 'timestamp') }} as sending_time,
        {{ read_number('price') }},
        {{ read_number('sent_count') }},
        {{ read_number('viewed_count') }},
        {{ read_number('purchased_count') }},
        {{ read_number('earnings') }},
        cast(message_type as string) as message_type,
        {{ read_number('caption_id') }},
        {{ try_cast_as('caption_id', 'int64') }} as caption_id_typed
    from source_rows

),

judged as (

    select
        *,
        {{ local_date('sending_time') }} as sending_date,
        {{ join_texts(
            key_reasons('row_id')
            + [
                reject_when('page_name is null', 'page_name is missing'),
                reject_when('sending_time_text is null', 'sending_time is missing'),
                reject_when('sending_time_text is not null and sending_time is null', 'sending_time is not a time'),
                reject_when('sending_time > ' ~ as_of(), 'sending_time is in the future'),
            ]
            + number_reasons('price')
            + number_reasons('sent_count', whole=true, not_negative=true)
            + number_reasons('viewed_count', whole=true, not_negative=true)
            + number_reasons('purchased_count', whole=true, not_negative=true)
            + number_reasons('earnings')
            + [
                reject_when('viewed_count_number > sent_count_number', 'viewed_count is above sent_count'),
                reject_when('purchased_count_number > viewed_count_number', 'purchased_count is above viewed_count'),
                reject_when(
                    'caption_id_text is not null and (caption_id_typed is null or caption_id_number is null'
                    ~ ' or caption_id_number != floor(caption_id_number))',
                    'caption_id is not a whole number'
                ),
            ]
        ) }} as row_reason
    from typed

),

{#- Of several usable rows with one row_id the earliest counts: a run that re-evaluates the newest
    dates only then decides like one that reads everything. Among rows of the same moment the one
    with the most views is the latest state. #}
ranked as (

    select
        *,
        row_number() over (
            partition by row_id_typed, row_reason is null
            order by
                sending_time asc, viewed_count_number desc, purchased_count_number desc,
                sent_count_number desc, earnings_number desc, page_name asc, message asc,
                price_number asc, message_type asc, caption_id_typed asc
        ) as row_rank
    from judged
    {%- if first_date %}
    where sending_date >= {{ first_date }} or sending_date is null
    {%- endif %}

),

{%- if first_date %}

accepted_before as (

    select row_id
    from {{ this }}
    where sending_date < {{ first_date }} and rejection_reason is null

),
{%- endif %}

decided as (

    select
        ranked.*,
        case
            when ranked.row_reason is not null then ranked.row_reason
            when ranked.row_rank > 1{% if first_date %} or accepted_before.row_id is not null{% endif %}
                then 'row_id is a duplicate'
        end as rejection_reason
    from ranked
    {%- if first_date %}
    left join accepted_before on ranked.row_id_typed = accepted_before.row_id
    {%- endif %}

),

final as (

    select
        row_id_typed as row_id,
        page_name,
        sending_time,
        sending_date,
        price_number as price,
        coalesce(cast(case when rejection_reason is null then sent_count_number end as int64), 0) as sent_count,
        coalesce(cast(case when rejection_reason is null then viewed_count_number end as int64), 0) as viewed_count,
        coalesce(cast(case when rejection_reason is null then purchased_count_number end as int64), 0)
            as purchased_count,
        coalesce(earnings_number, 0) as earnings,
        message_type,
        caption_id_typed as caption_id,
        case
            when rejection_reason is null and caption_id_typed is null
                then {{ function_name('caption_key_v2') }}(message)
        end as caption_key,
        rejection_reason,
        row_id_text as row_key,
        case when rejection_reason is not null then {{ row_as_json('raw_row') }} end as raw_row
    from decided

)

select * from final
