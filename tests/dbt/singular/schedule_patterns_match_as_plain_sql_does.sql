{#- DuckDB searches the patterns as literals, for speed; the plain join must find the same, in whatever form of a
    text. #}
with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

forms as (

    {{ caption_forms('captions', 'caption_id') }}

),

plain as (

    select
        patterns.page_name,
        captions.caption_id,
        max(case when patterns.strength = 'hard' then 1 else 0 end) = 1 as is_hard,
        max(case when patterns.strength = 'soft' then 1 else 0 end) = 1 as is_soft
    from {{ ref('restriction_patterns') }} as patterns
    inner join forms on {{ matches_pattern('forms.caption_text', 'patterns.pattern') }}
    inner join captions
        on
            forms.caption_id = captions.caption_id
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
