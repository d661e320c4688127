with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

restriction_matches as (

    select * from {{ ref('restriction_matches') }}

),

recent_usage as (

    select * from {{ ref('recent_caption_usage') }}

),

{# Whatever id it went out under, the text is what rests. #}
excluded as (

    select
        page_name,
        caption_id
    from restriction_matches
    where is_hard

    union distinct

    select
        recent_usage.page_name,
        captions.caption_id
    from recent_usage
    inner join captions on recent_usage.caption_key = captions.caption_key

),

final as (

    select
        excluded.page_name,
        excluded.caption_id,
        captions.caption_group,
        captions.price_tier,
        captions.bank_rank
    from excluded
    inner join captions on excluded.caption_id = captions.caption_id

)

select * from final
