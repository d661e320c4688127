with

source_rows as (

    select *{{ absent_columns(source('inputs', 'captions'), 'captions') }}
    from {{ source('inputs', 'captions') }}

),

typed as (

    select
        source_rows as raw_row,
        {{ read_key('caption_id') }},
        cast(caption_text as string) as caption_text,
        cast(content_category as string) as content_category,
        {{ clean_text('cast(price_tier as string)') }} as price_tier,
        has_urgency as has_urgency_given,
        {{ read_bool('has_urgency') }} as has_urgency
    from source_rows

),

judged as (

    select
        *,
        {{ join_texts(
            key_reasons('caption_id')
            + [
                reject_when("coalesce(trim(caption_text, ' '), '') = ''", 'caption_text is missing'),
                reject_when(
                    "trim(caption_text, ' ') != '' and not (" ~ can_be_seen('caption_text') ~ ")",
                    'caption_text has nothing that anybody can see'
                ),
                reject_when(is_unread('has_urgency', read_text('has_urgency_given')), 'has_urgency is not a truth value'),
            ]
        ) }} as row_reason
    from typed

),

ranked as (

    select
        *,
        row_number() over (
            partition by caption_id_typed, row_reason is null
            order by caption_text asc, price_tier asc, content_category asc, has_urgency asc
        ) as row_rank
    from judged

),

decided as (

    select
        caption_id_typed as caption_id,
        caption_text,
        content_category,
        price_tier,
        coalesce(has_urgency, false) as has_urgency,
        case
            when row_reason is not null then row_reason
            when row_rank > 1 then 'caption_id is a duplicate'
        end as rejection_reason,
        {{ number_text('caption_id') }} as row_key,
        raw_row
    from ranked

),

{# Raw are kept the rows that somebody may have to look for in the input. #}
final as (

    select
        caption_id,
        caption_text,
        content_category,
        price_tier,
        has_urgency,
        rejection_reason,
        row_key,
        case when rejection_reason is not null then {{ row_as_json('raw_row') }} end as raw_row
    from decided

)

select * from final
