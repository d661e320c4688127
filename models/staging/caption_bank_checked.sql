{%- set keeps_keys = keeps_known_keys(this) %}

with

source_rows as (

    select *{{ absent_columns(source('inputs', 'caption_bank'), 'caption_bank') }}
    from {{ source('inputs', 'caption_bank') }}

),

typed as (

    select
        source_rows as raw_row,
        {{ read_key('caption_id') }},
        cast(caption_text as string) as caption_text,
        cast(content_category as string) as content_category,
        {{ clean_text('cast(price_tier as string)') }} as price_tier,
        has_urgency as has_urgency_given,
        {{ read_bool('has_urgency') }} as has_urgency,
        {{ read_number('avg_revenue') }},
        {{ read_number('overall_performance_score') }},
        {{ clean_text('cast(usage_status as string)') }} as usage_status
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
            + number_reasons('avg_revenue')
            + number_reasons('overall_performance_score')
        ) }} as row_reason
    from typed

),

ranked as (

    select
        *,
        row_number() over (
            partition by caption_id_typed, row_reason is null
            order by caption_text asc, price_tier asc, content_category asc, has_urgency asc, usage_status asc
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
        avg_revenue_number as avg_revenue,
        overall_performance_score_number as overall_performance_score,
        usage_status,
        case
            when row_reason is not null then row_reason
            when row_rank > 1 then 'caption_id is a duplicate'
        end as rejection_reason,
        {{ number_text('caption_id') }} as row_key,
        raw_row
    from ranked

),

{%- if keeps_keys %}

known_keys as (

    select
        caption_id,
        caption_text,
        caption_key
    from {{ this }}
    where rejection_reason is null and caption_key_rule = '{{ caption_key_version() }}'

),
{%- endif %}

{# Raw are kept the rows that somebody may have to look for in the input. #}
final as (

    select
        decided.caption_id,
        decided.caption_text,
        case
            when decided.rejection_reason is not null then null
            {%- if keeps_keys %}
            when known_keys.caption_key is not null then known_keys.caption_key
            {%- endif %}
            else {{ function_name('caption_key_v2') }}(decided.caption_text)
        end as caption_key,
        '{{ caption_key_version() }}' as caption_key_rule,
        decided.content_category,
        decided.price_tier,
        decided.has_urgency,
        decided.avg_revenue,
        decided.overall_performance_score,
        decided.usage_status,
        decided.rejection_reason,
        decided.row_key,
        case when decided.rejection_reason is not null then {{ row_as_json('decided.raw_row') }} end as raw_row
    from decided
    {%- if keeps_keys %}
    left join known_keys
        on decided.caption_id = known_keys.caption_id and decided.caption_text = known_keys.caption_text
    {%- endif %}

)

select * from final
