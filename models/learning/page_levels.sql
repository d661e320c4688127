with

cells as (

    select * from {{ ref('belief_cells') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

final as (

    select
        cells.quantity,
        cells.page_name,
        cells.is_bump,
        count(*) as cell_count,
        {{ exact_sum(
            'cells.lesson_mean / (variances.weighting_variance + variances.message_variance / cells.outcome_count)'
        ) }}
        / {{ exact_sum('1e0 / (variances.weighting_variance + variances.message_variance / cells.outcome_count)') }}
            as page_level
    from cells
    inner join variances on cells.quantity = variances.quantity
    group by cells.quantity, cells.page_name, cells.is_bump

)

select * from final
