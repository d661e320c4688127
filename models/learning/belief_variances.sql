{%- set prior_weight = '50e0' %}
{%- set rounds = [1, 2, 3, 4] %}

with

{# What is believed of each quantity before there are data, and the least that is. #}
moments as (

    select
        'value' as quantity,
        0.5e0 as prior_message_variance,
        0.05e0 as least_message_variance,
        0.25e0 as prior_total_variance,
        0.01e0 as least_total_variance,
        0.12e0 as prior_caption_variance

    union all

    select
        'opens' as quantity,
        0.1e0 as prior_message_variance,
        0.01e0 as least_message_variance,
        0.05e0 as prior_total_variance,
        0.002e0 as least_total_variance,
        0.02e0 as prior_caption_variance

),

cells as (

    select * from {{ ref('belief_cells') }}

),

core_cells as (

    select * from cells
    where is_core

),

{# How much two sends of one caption on one page differ. #}
message_level as (

    select
        moments.quantity,
        greatest(
            ({{ prior_weight }} * moments.prior_message_variance + coalesce({{ exact_sum(
                'core_cells.lesson_square_sum'
                ~ ' - core_cells.outcome_count * core_cells.lesson_mean * core_cells.lesson_mean'
            ) }}, 0e0))
            / ({{ prior_weight }} + coalesce(sum(core_cells.outcome_count - 1), 0)),
            moments.least_message_variance
        ) as message_variance
    from moments
    left join core_cells on moments.quantity = core_cells.quantity
    group by moments.quantity, moments.prior_message_variance, moments.least_message_variance

),

round_0 as (

    select
        moments.*,
        message_level.message_variance,
        moments.prior_total_variance as total_variance
    from moments
    inner join message_level on moments.quantity = message_level.quantity

),

{%- for round in rounds %}

page_levels_{{ round }} as (

    select
        cells.quantity,
        cells.page_name,
        cells.is_bump,
        {{ exact_sum(
            'cells.lesson_mean / (previous.total_variance + previous.message_variance / cells.outcome_count)'
        ) }}
        / {{ exact_sum('1e0 / (previous.total_variance + previous.message_variance / cells.outcome_count)') }}
            as page_level
    from cells
    inner join round_{{ round - 1 }} as previous on cells.quantity = previous.quantity
    group by cells.quantity, cells.page_name, cells.is_bump

),

residuals_{{ round }} as (

    select
        core_cells.quantity,
        core_cells.caption_id,
        core_cells.outcome_count,
        core_cells.lesson_mean - page_levels_{{ round }}.page_level as residual
    from core_cells
    inner join page_levels_{{ round }}
        on
            core_cells.quantity = page_levels_{{ round }}.quantity
            and core_cells.page_name = page_levels_{{ round }}.page_name
            and core_cells.is_bump = page_levels_{{ round }}.is_bump

),

excess_{{ round }} as (

    select
        residuals_{{ round }}.quantity,
        count(*) as cell_count,
        {{ exact_sum(
            'residuals_' ~ round ~ '.residual * residuals_' ~ round ~ '.residual'
            ~ ' - message_level.message_variance / residuals_' ~ round ~ '.outcome_count'
        ) }} as square_sum
    from residuals_{{ round }}
    inner join message_level on residuals_{{ round }}.quantity = message_level.quantity
    group by residuals_{{ round }}.quantity

),

round_{{ round }} as (

    select
        moments.*,
        message_level.message_variance,
        greatest(
            ({{ prior_weight }} * moments.prior_total_variance + coalesce(excess_{{ round }}.square_sum, 0e0))
            / ({{ prior_weight }} + coalesce(excess_{{ round }}.cell_count, 0)),
            moments.least_total_variance
        ) as total_variance
    from moments
    inner join message_level on moments.quantity = message_level.quantity
    left join excess_{{ round }} on moments.quantity = excess_{{ round }}.quantity

),

{% endfor %}
{# Two pages agreeing on a caption is what shows that the caption itself is good. #}
caption_products as (

    select
        quantity,
        caption_id,
        count(*) * (count(*) - 1) as cell_couples,
        {{ exact_sum('residual') }} as residual_sum,
        {{ exact_sum('residual * residual') }} as residual_square_sum
    from residuals_{{ rounds[-1] }}
    group by quantity, caption_id

),

caption_level as (

    select
        moments.quantity,
        ({{ prior_weight }} * moments.prior_caption_variance + coalesce({{ exact_sum(
            'caption_products.residual_sum * caption_products.residual_sum - caption_products.residual_square_sum'
        ) }}, 0e0))
        / ({{ prior_weight }} + coalesce(sum(caption_products.cell_couples), 0)) as caption_variance
    from moments
    left join caption_products on moments.quantity = caption_products.quantity
    group by moments.quantity, moments.prior_caption_variance

),

{# What a page without outcomes of a kind is taken for. #}
agency_levels as (

    select
        cells.quantity,
        {%- for kind, condition in [('priced', 'not cells.is_bump'), ('bump', 'cells.is_bump')] %}
        {{ exact_sum(
            'case when ' ~ condition ~ ' then cells.lesson_mean'
            ~ ' / (previous.total_variance + previous.message_variance / cells.outcome_count) end'
        ) }}
        / {{ exact_sum(
            'case when ' ~ condition ~ ' then 1e0'
            ~ ' / (previous.total_variance + previous.message_variance / cells.outcome_count) end'
        ) }} as {{ kind }}_level,
        {%- endfor %}
        count(case when cells.is_bump and cells.is_core then 1 end) > 0 as are_bumps_priced
    from cells
    inner join round_{{ rounds[-2] }} as previous on cells.quantity = previous.quantity
    group by cells.quantity

),

bounded as (

    select
        estimated.quantity,
        estimated.message_variance,
        previous.total_variance as weighting_variance,
        estimated.total_variance,
        greatest(least(caption_level.caption_variance, 0.95e0 * estimated.total_variance), 0.001e0)
            as caption_variance,
        coalesce(agency_levels.priced_level, 0e0) as priced_level,
        coalesce(agency_levels.bump_level, 0e0) as bump_level,
        count(case when agency_levels.are_bumps_priced then 1 end) over () > 0 as are_bumps_priced
    from round_{{ rounds[-1] }} as estimated
    inner join round_{{ rounds[-2] }} as previous on estimated.quantity = previous.quantity
    inner join caption_level on estimated.quantity = caption_level.quantity
    left join agency_levels on estimated.quantity = agency_levels.quantity

),

final as (

    select
        quantity,
        message_variance,
        weighting_variance,
        total_variance,
        caption_variance,
        greatest(total_variance - caption_variance, 0.02e0 * total_variance) as pair_variance,
        priced_level,
        bump_level,
        are_bumps_priced
    from bounded

)

select * from final
