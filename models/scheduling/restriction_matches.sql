with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

patterns as (

    select * from {{ ref('restriction_patterns') }}
    where is_valid

),

{# A match in any form of a text counts; most texts have but one. #}
caption_forms as (

    {{ caption_forms('captions', 'caption_id') }}

),

{# Creators share most of their patterns, so each is held against the bank once. #}
pattern_matches as (

    {{ pattern_matches(ref('restriction_patterns'), 'patterns', 'caption_forms') }}

),

final as (

    select
        patterns.page_name,
        pattern_matches.caption_id,
        max(case when patterns.strength = 'hard' then 1 else 0 end) = 1 as is_hard,
        max(case when patterns.strength = 'soft' then 1 else 0 end) = 1 as is_soft
    from pattern_matches
    inner join captions on pattern_matches.caption_id = captions.caption_id
    inner join patterns
        on
            pattern_matches.pattern = patterns.pattern
            and patterns.applies_to_scope in (
                'ALL', case when captions.price_tier = 'bump' then 'BUMP_ONLY' else 'PPV_ONLY' end
            )
    group by patterns.page_name, pattern_matches.caption_id

)

select * from final
