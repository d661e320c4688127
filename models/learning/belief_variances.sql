{%- set prior_weight = '50e0' %}
{%- set rounds = [1, 2, 3] %}

with

pairs as (

    select
        page_name,
        caption_id,
        outcome_count,
        log_emv_sum / outcome_count as mean_log_emv,
        log_emv_square_sum
    from {{ ref('caption_outcome_totals') }}

),

{# How much two sends of one caption on one page differ. #}
message_level as (

    select
        ({{ prior_weight }} * 1e0 + coalesce({{ exact_sum(
            'log_emv_square_sum - outcome_count * mean_log_emv * mean_log_emv'
        ) }}, 0e0))
        / ({{ prior_weight }} + coalesce(sum(outcome_count - 1), 0)) as message_variance
    from pairs

),

round_0 as (

    select
        message_variance,
        0.4e0 as total_variance
    from message_level

),

{%- for round in rounds %}

page_levels_{{ round }} as (

    select
        pairs.page_name,
        {{ exact_sum(
            'pairs.mean_log_emv / (previous.total_variance + previous.message_variance / pairs.outcome_count)'
        ) }}
        / {{ exact_sum('1e0 / (previous.total_variance + previous.message_variance / pairs.outcome_count)') }}
            as page_level
    from pairs
    cross join round_{{ round - 1 }} as previous
    group by pairs.page_name

),

residuals_{{ round }} as (

    select
        pairs.caption_id,
        pairs.outcome_count,
        pairs.mean_log_emv - page_levels_{{ round }}.page_level as residual
    from pairs
    inner join page_levels_{{ round }} on pairs.page_name = page_levels_{{ round }}.page_name

),

round_{{ round }} as (

    select
        message_level.message_variance,
        greatest(
            ({{ prior_weight }} * 0.4e0 + coalesce({{ exact_sum(
                'residuals_' ~ round ~ '.residual * residuals_' ~ round ~ '.residual'
                ~ ' - message_level.message_variance / residuals_' ~ round ~ '.outcome_count'
            ) }}, 0e0))
            / ({{ prior_weight }} + count(residuals_{{ round }}.residual)),
            0.02e0
        ) as total_variance
    from message_level
    left join residuals_{{ round }} on true
    group by message_level.message_variance

),

{% endfor %}
{# Two pages agreeing on a caption is what shows that the caption itself is good. #}
caption_products as (

    select
        caption_id,
        count(*) * (count(*) - 1) as page_pairs,
        {{ exact_sum('residual') }} as residual_sum,
        {{ exact_sum('residual * residual') }} as residual_square_sum
    from residuals_{{ rounds[-1] }}
    group by caption_id

),

caption_level as (

    select
        ({{ prior_weight }} * 0.2e0 + coalesce({{ exact_sum(
            'residual_sum * residual_sum - residual_square_sum'
        ) }}, 0e0))
        / ({{ prior_weight }} + coalesce(sum(page_pairs), 0)) as caption_variance
    from caption_products

),

bounded as (

    select
        round_{{ rounds[-1] }}.message_variance,
        round_{{ rounds[-2] }}.total_variance as weighting_variance,
        round_{{ rounds[-1] }}.total_variance,
        greatest(least(caption_level.caption_variance, 0.95e0 * round_{{ rounds[-1] }}.total_variance), 0.0001e0)
            as caption_variance
    from round_{{ rounds[-1] }}
    cross join round_{{ rounds[-2] }}
    cross join caption_level

),

final as (

    select
        message_variance,
        weighting_variance,
        total_variance,
        caption_variance,
        total_variance - caption_variance as pair_variance
    from bounded

)

select * from final
