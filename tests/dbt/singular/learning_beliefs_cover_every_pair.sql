{#- Every pair that was seen is in its caption's sums once, and its page has a level of its own. -#}
with

pairs as (

    select
        totals.caption_id,
        count(*) as pair_count,
        count(case when page_beliefs.is_seen then 1 end) as levelled_count
    from {{ ref('caption_outcome_totals') }} as totals
    left join {{ ref('page_beliefs') }} as page_beliefs on totals.page_name = page_beliefs.page_name
    group by totals.caption_id

)

select
    coalesce(pairs.caption_id, caption_beliefs.caption_id) as caption_id,
    pairs.pair_count,
    pairs.levelled_count,
    caption_beliefs.page_count
from pairs
full outer join {{ ref('caption_beliefs') }} as caption_beliefs
    on pairs.caption_id = caption_beliefs.caption_id
where
    pairs.pair_count is distinct from caption_beliefs.page_count
    or pairs.levelled_count is distinct from pairs.pair_count
