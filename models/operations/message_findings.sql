{{ config(tags=['performance', 'daily']) }}

-- depends_on: {{ ref('mass_messages_checked') }}, {{ source('inputs', 'mass_messages') }}

{#- The whole input is looked at once a day, by the daily run or a build of everything, and by a backfill. Other
    runs keep what was found, but for the dates that they have just read again. -#}
{%- set is_due = looks_at_older_dates(this) %}
{%- set read_from = messages_read_from() %}
{%- set oldest = execution_date(-var('stats_window_days') - var('median_window_days')) %}

with

{%- if is_due %}

source_rows as (

    select * from {{ source('inputs', 'mass_messages') }}
    where {{ sent_not_before(source('inputs', 'mass_messages'), 'sending_time', oldest) }}

),

stored_rows as (

    select * from {{ ref('mass_messages_checked') }}
    where sending_date >= {{ oldest }}

),

{# Only what no run would read of its own accord any more. #}
older_rows as (

    select
        {{ read_id('row_id') }} as row_id,
        {{ read_time('sending_time') }} as sending_time,
        coalesce({{ number_in('sent_count') }}, 0) as sent_count,
        coalesce({{ number_in('viewed_count') }}, 0) as viewed_count,
        coalesce({{ number_in('purchased_count') }}, 0) as purchased_count,
        coalesce({{ number_in('earnings') }}, 0) as earnings
    from source_rows
    where
        {{ read_id('row_id') }} is not null
        and {{ read_time('sending_time') }} >= {{ utc_from_local(oldest, 0) }}
        and {{ read_time('sending_time') }} < {{ utc_from_local(read_from, 0) }}

),

{# Nearly all rows are as they were: only of the others is looked at more than that. #}
suspects as (

    select distinct older_rows.row_id
    from older_rows
    left join stored_rows
        on
            older_rows.row_id = stored_rows.row_id
            and stored_rows.rejection_reason is null
            and older_rows.sent_count = stored_rows.sent_count
            and older_rows.viewed_count = stored_rows.viewed_count
            and older_rows.purchased_count = stored_rows.purchased_count
            and older_rows.earnings = stored_rows.earnings
    where stored_rows.row_id is null

),

dated_suspects as (

    select
        older_rows.*,
        {{ local_date('older_rows.sending_time') }} as sending_date
    from older_rows
    inner join suspects on older_rows.row_id = suspects.row_id

),

{# Of a row that was refused when it was read nobody knows the counts; of several with one row_id, the one
    that was accepted tells that all is as it was. #}
compared as (

    select
        dated_suspects.row_id,
        dated_suspects.sending_date,
        count(stored_rows.row_id) as stored_count,
        count(case when stored_rows.rejection_reason is not null then 1 end) as refused_count,
        count(case
            when
                stored_rows.rejection_reason is null
                and stored_rows.sent_count = dated_suspects.sent_count
                and stored_rows.viewed_count = dated_suspects.viewed_count
                and stored_rows.purchased_count = dated_suspects.purchased_count
                and stored_rows.earnings = dated_suspects.earnings
                then 1
        end) as unchanged_count
    from dated_suspects
    left join stored_rows on dated_suspects.row_id = stored_rows.row_id
    group by dated_suspects.row_id, dated_suspects.sending_date

),

late_messages as (

    select
        sending_date,
        count(case when stored_count = 0 then 1 end) as new_messages,
        count(case when stored_count > 0 then 1 end) as changed_messages
    from compared
    where stored_count = 0 or (refused_count = 0 and unchanged_count = 0)
    group by sending_date

),

{# A page sends a text once in a minute; a second row_id for it is the same message once more. #}
same_texts as (

    select
        sending_date,
        count(*) - 1 as twin_messages
    from stored_rows
    where
        rejection_reason is null
        and sending_time <= {{ as_of() }}
        and (caption_key is not null or caption_id is not null)
    group by
        page_name, sending_date, extract(hour from sending_time), extract(minute from sending_time),
        caption_key, case when caption_key is null then caption_id end
    having count(*) > 1

),

found as (

    select
        sending_date,
        new_messages,
        changed_messages,
        0 as twin_messages
    from late_messages

    union all

    select
        sending_date,
        0 as new_messages,
        0 as changed_messages,
        twin_messages
    from same_texts

),
{%- else %}

found as (

    select
        sending_date,
        case when sending_date < {{ read_from }} then new_messages else 0 end as new_messages,
        case when sending_date < {{ read_from }} then changed_messages else 0 end as changed_messages,
        twin_messages
    from {{ this }}

),
{%- endif %}

summed as (

    select
        sending_date,
        cast(sum(new_messages) as int64) as new_messages,
        cast(sum(changed_messages) as int64) as changed_messages,
        cast(sum(twin_messages) as int64) as twin_messages
    from found
    group by sending_date

),

final as (

    select * from summed
    where new_messages + changed_messages + twin_messages > 0

)

select * from final
