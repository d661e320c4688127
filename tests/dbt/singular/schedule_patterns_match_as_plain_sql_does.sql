{#- DuckDB searches the patterns as literals, for speed; the plain join must find the same. #}
with

plain as (

    select
        patterns.page_name,
        captions.caption_id,
        max(case when patterns.strength = 'hard' then 1 else 0 end) = 1 as is_hard,
        max(case when patterns.strength = 'soft' then 1 else 0 end) = 1 as is_soft
    from {{ ref('restriction_patterns') }} as patterns
    inner join {{ ref('schedulable_captions') }} as captions
        on
            {{ matches_pattern('captions.caption_text', 'patterns.pattern') }}
            and (
                patterns.applies_to_scope = 'ALL'
                or (patterns.applies_to_scope = 'BUMP_ONLY') = (captions.price_tier = 'bump')
            )
    group by patterns.page_name, captions.caption_id

)

select
    coalesce(plain.page_name, matches.page_name) as page_name,
    coalesce(plain.caption_id, matches.caption_id) as caption_id
from plain
full outer join {{ ref('restriction_matches') }} as matches
    on plain.page_name = matches.page_name and plain.caption_id = matches.caption_id
where
    plain.is_hard is distinct from matches.is_hard
    or plain.is_soft is distinct from matches.is_soft
