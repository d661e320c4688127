with

creators as (

    select * from {{ ref('creator_day_plan') }}

),

restrictions as (

    select * from {{ ref('stg_creator_caption_restrictions') }}

),

patterns as (

    select
        restrictions.page_name,
        restrictions.applies_to_scope,
        'hard' as strength,
        pattern
    from restrictions
    cross join {{ unnest_as('restrictions.hard_patterns', 'pattern') }}

    union distinct

    select
        restrictions.page_name,
        restrictions.applies_to_scope,
        'soft' as strength,
        pattern
    from restrictions
    cross join {{ unnest_as('restrictions.soft_patterns', 'pattern') }}

),

final as (

    select
        patterns.page_name,
        patterns.applies_to_scope,
        patterns.strength,
        patterns.pattern,
        {{ matches_pattern("''", 'patterns.pattern') }} is not null as is_valid
    from patterns
    inner join creators on patterns.page_name = creators.page_name
    where patterns.pattern is not null and patterns.pattern != ''

)

select * from final
