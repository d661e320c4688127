{#- Every cell that was seen is in its caption's sums once, has a level and a belief. -#}
with

cells as (

    select
        cells.quantity,
        cells.caption_id,
        count(*) as cell_count,
        count(page_levels.page_level) as levelled_count,
        count(case when cell_beliefs.posterior_sd > 0 then 1 end) as believed_count
    from {{ ref('belief_cells') }} as cells
    left join {{ ref('page_levels') }} as page_levels
        on
            cells.quantity = page_levels.quantity
            and cells.page_name = page_levels.page_name
            and cells.is_bump = page_levels.is_bump
    left join {{ ref('cell_beliefs') }} as cell_beliefs
        on
            cells.quantity = cell_beliefs.quantity
            and cells.page_name = cell_beliefs.page_name
            and cells.caption_id = cell_beliefs.caption_id
    group by cells.quantity, cells.caption_id

)

select
    coalesce(cells.quantity, caption_beliefs.quantity) as quantity,
    coalesce(cells.caption_id, caption_beliefs.caption_id) as caption_id,
    cells.cell_count,
    cells.levelled_count,
    cells.believed_count,
    caption_beliefs.page_count
from cells
full outer join {{ ref('caption_beliefs') }} as caption_beliefs
    on cells.quantity = caption_beliefs.quantity and cells.caption_id = caption_beliefs.caption_id
where
    cells.cell_count is distinct from caption_beliefs.page_count
    or cells.levelled_count is distinct from cells.cell_count
    or cells.believed_count is distinct from cells.cell_count
