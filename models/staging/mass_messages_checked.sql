{{
    config(
        materialized='incremental',
        incremental_strategy=replace_window_strategy(),
        partition_by={'field': 'sending_date', 'data_type': 'date'},
        cluster_by=['page_name', 'row_id'],
        full_refresh=false,
        meta={'window_lag_days': 1},
        pre_hook="{{ note_window_begun() }}",
        post_hook="{{ note_messages_read() }}"
    )
}}

{#- The history of messages: what was accepted once stays, whatever a later input holds and whatever moment
    a run is for. Hence no full refresh makes the table anew: it reads all that the input holds. -#}

{%- set noted = window_facts() if is_incremental() else none %}
{%- set first_date = first_reevaluated_date(this, lag_days=1, noted=noted) if is_incremental() else none %}

with

{# What is needed of the input in two more places is read apart: a CTE of whole rows that three others
    read would be kept whole. #}
{%- for name, columns in {
    'source_rows': '*' ~ absent_columns(source('inputs', 'mass_messages'), 'mass_messages'),
    'source_texts': 'message',
    'source_ids': 'row_id',
}.items() %}
{{ name }} as (

    select {{ columns }}
    from {{ source('inputs', 'mass_messages') }}
    {%- if first_date %}
    where {{ sent_not_before(source('inputs', 'mass_messages'), 'sending_time', first_date) }}
    {%- endif %}

),
{% endfor %}

typed as (

    select
        source_rows as raw_row,
        {{ read_key('row_id') }},
        {{ clean_text('cast(page_name as string)') }} as page_name,
        cast(message as string) as message,
        sending_time as sending_time_given,
        {{ read_time('sending_time') }} as sending_time,
        {{ read_number('price') }},
        {{ read_number('sent_count') }},
        {{ read_number('viewed_count') }},
        {{ read_number('purchased_count') }},
        {{ read_number('earnings') }},
        cast(message_type as string) as message_type,
        {{ read_key('caption_id') }}
    from source_rows

),

judged as (

    select
        raw_row,
        {{ number_text('row_id') }} as row_key,
        row_id_typed as row_id,
        page_name,
        message,
        sending_time,
        {{ local_date('sending_time') }} as sending_date,
        price_number as price,
        sent_count_number as sent_count,
        viewed_count_number as viewed_count,
        purchased_count_number as purchased_count,
        earnings_number as earnings,
        message_type,
        nullif(caption_id_typed, 0) as caption_id,
        {{ join_texts(
            key_reasons('row_id')
            + [reject_when('page_name is null', 'page_name is missing')]
            + time_reasons('sending_time')
            + number_reasons('price')
            + number_reasons('sent_count', whole=true, not_negative=true)
            + number_reasons('viewed_count', whole=true, not_negative=true)
            + number_reasons('purchased_count', whole=true, not_negative=true)
            + number_reasons('earnings')
            + [
                reject_when('viewed_count_number > sent_count_number', 'viewed_count is above sent_count'),
                reject_when('purchased_count_number > viewed_count_number', 'purchased_count is above viewed_count'),
                reject_when(
                    is_unread('caption_id_typed', number_text('caption_id'))
                    ~ ' and not ' ~ is_rounded_id(number_text('caption_id')),
                    'caption_id is not a whole number'
                ),
            ]
        ) }} as row_reason
    from typed

),

{# Of several usable rows with one row_id the earliest counts: a run that re-evaluates the newest
    dates only then decides like one that reads everything. Among rows of the same moment the one
    with the most views is the latest state. #}
ranked as (

    select
        *,
        row_number() over (
            partition by row_id, row_reason is null
            order by
                sending_time asc, viewed_count desc, purchased_count desc, sent_count desc,
                earnings desc, price asc, caption_id asc, page_name asc, message asc, message_type asc
        ) as row_rank
    from judged
    {%- if first_date %}
    where sending_date >= {{ first_date }} or sending_date is null
    {%- endif %}

),

{%- if first_date %}

known_messages as (

    select * from {{ this }}
    where sending_date >= {{ first_date }} and rejection_reason is null

),

{# A message that this reading cannot have seen, since it was sent before all that was read, counts before a
    later row of its row_id, as it does to a run that reads both. #}
counted_before as (

    select row_id
    from {{ this }}
    where
        sending_date < {{ first_date }}
        and rejection_reason is null
        and row_id in (select {{ read_id('source_ids.row_id') }} as row_id from source_ids)

    union all

    select row_id
    from known_messages
    where sending_time < (select min(ranked.sending_time) from ranked where ranked.row_reason is null)

),
{%- endif %}

decided as (

    select
        ranked.*,
        case
            when ranked.row_reason is not null then ranked.row_reason
            when ranked.row_rank > 1{% if first_date %} or counted_before.row_id is not null{% endif %}
                then 'row_id is a duplicate'
        end as rejection_reason
    from ranked
    {%- if first_date %}
    left join counted_before on ranked.row_id = counted_before.row_id
    {%- endif %}

),

{# Raw are kept the rows that somebody may have to look for in the input; what is not due is one of them. To carry
    the others' raw rows further would double the memory. #}
read_rows as (

    select
        row_id,
        page_name,
        message,
        sending_time,
        sending_date,
        price,
        sent_count,
        viewed_count,
        purchased_count,
        earnings,
        message_type,
        caption_id,
        rejection_reason,
        row_key,
        case
            when rejection_reason is not null or sending_time > {{ as_of() }} then {{ row_as_json('raw_row') }}
        end as raw_row
    from decided

),

{# Where so many rows are unusable, the others are not to be trusted either. #}
reading as (

    select {{ is_refused() }} as is_refused
    from read_rows
    where sending_time is null or sending_time <= {{ as_of() }}

),

{# Normalising is what costs, and the same texts are sent again and again: each is keyed once. #}
message_keys as (

    select
        message,
        {{ function_name('caption_key_v2') }}(message) as caption_key
    from (select distinct cast(message as string) as message from source_texts) as distinct_messages

),

keyed_rows as (

    select
        read_rows.row_id,
        read_rows.page_name,
        read_rows.sending_time,
        read_rows.sending_date,
        read_rows.price,
        {% for count in ['sent_count', 'viewed_count', 'purchased_count'] -%}
        cast(
            case
                when read_rows.rejection_reason is null and not reading.is_refused
                    then coalesce(read_rows.{{ count }}, 0)
                else 0
            end as int64
        ) as {{ count }},
        {% endfor -%}
        coalesce(read_rows.earnings, 0) as earnings,
        read_rows.message_type,
        read_rows.caption_id,
        message_keys.caption_key,
        case
            when read_rows.rejection_reason is not null then read_rows.rejection_reason
            when reading.is_refused then '{{ refused_reason() }}'
        end as rejection_reason,
        read_rows.row_key,
        read_rows.raw_row,
        true as is_in_input,
        false as has_old_key
    from read_rows
    cross join reading
    left join message_keys on read_rows.message = message_keys.message

),

final as (

    select * from keyed_rows
    {%- if first_date %}

    union all

    {# What is known of a row that the input no longer holds, or holds spoiled by now, stays known. Without its
        text it cannot be keyed again. #}
    select
        row_id,
        page_name,
        sending_time,
        sending_date,
        price,
        sent_count,
        viewed_count,
        purchased_count,
        earnings,
        message_type,
        caption_id,
        caption_key,
        rejection_reason,
        row_key,
        cast(null as string) as raw_row,
        false as is_in_input,
        {{ 'true' if has_other_keys(this, noted) else 'coalesce(has_old_key, false)' }} as has_old_key
    from known_messages
    where not exists (
        select 1
        from read_rows
        cross join reading
        where
            read_rows.row_id = known_messages.row_id
            and read_rows.rejection_reason is null
            and not reading.is_refused
    )
    {%- endif %}

)

select * from final
