{{ config(severity='warn', tags=['daily']) }}

{#- Each category and tier that a restriction names is one that some caption has: a misspelled one forbids
    nothing. -#}
with

captions as (

    select distinct
        content_category,
        price_tier
    from {{ ref('stg_caption_bank') }}

    union distinct

    select distinct
        content_category,
        price_tier
    from {{ ref('stg_captions') }}

),

known as (

    select
        'category' as kind,
        {{ clean_text('content_category') }} as name
    from captions

    union distinct

    select
        'tier' as kind,
        {{ clean_text('price_tier') }} as name
    from captions

),

restrictions as (

    select * from {{ ref('stg_creator_caption_restrictions') }}

),

named as (

    select
        restrictions.page_name,
        'category' as kind,
        name
    from restrictions
    cross join {{ unnest_as('restrictions.restricted_categories', 'name') }}

    union distinct

    select
        restrictions.page_name,
        'tier' as kind,
        name
    from restrictions
    cross join {{ unnest_as('restrictions.restricted_price_tiers', 'name') }}

)

select
    'creator_caption_restrictions restricts the ' || named.kind || ' ' || named.name
    || ', which neither caption_bank nor captions has, for example for the page ' || min(named.page_name)
    || ': is it misspelled?' as problem
from named
left join known on named.kind = known.kind and named.name = known.name
where known.name is null
group by named.kind, named.name
