{#- The outcomes that a weighted sum is about: all, those up to the moment when the bank's score of the caption
    was first seen, those since. #}
{%- set spans = {
    '': ['cells.outcome_count', 'cells.lesson_sum'],
    '_before_score': ['cells.count_before_score', 'cells.lesson_sum_before_score'],
    '_since_score': [
        '(cells.outcome_count - cells.count_before_score)', '(cells.lesson_sum - cells.lesson_sum_before_score)'
    ],
} %}

with

cells as (

    select * from {{ ref('belief_cells') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

page_levels as (

    select * from {{ ref('page_levels') }}

),

weighted as (

    select
        cells.quantity,
        cells.caption_id,
        {%- for span, (count, sum) in spans.items() %}
        1e0 / (variances.pair_variance + variances.message_variance / nullif({{ count }}, 0)) as weight{{ span }},
        {{ sum }} / nullif({{ count }}, 0) - page_levels.page_level as residual{{ span }},
        {%- endfor %}
        cells.is_core
    from cells
    inner join variances on cells.quantity = variances.quantity
    inner join page_levels
        on
            cells.quantity = page_levels.quantity
            and cells.page_name = page_levels.page_name
            and cells.is_bump = page_levels.is_bump

),

final as (

    select
        quantity,
        caption_id,
        is_core,
        {%- for span in spans %}
        coalesce({{ exact_sum('weight' ~ span) }}, 0e0) as weight_sum{{ span }},
        coalesce({{ exact_sum('weight' ~ span ~ ' * residual' ~ span) }}, 0e0) as weighted_residual_sum{{ span }},
        {%- endfor %}
        count(*) as page_count
    from weighted
    group by quantity, caption_id, is_core

)

select * from final
