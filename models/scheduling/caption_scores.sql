{{ config(materialized='view', post_hook="{{ deploy_select_captions_for_creator() }}") }}

{%- set policy = caption_policy() %}
{#- Among captions that differ by a tenth in what they earn, variety must not weigh as much as half of it. #}
{%- set diversity_weight, budget_weight = ('0.05e0', '0.03e0') if policy == 'pooled' else ('0.15e0', '0.10e0') %}

with

candidates as (

    select * from {{ ref('caption_candidates') }}

),

captions as (

    select * from {{ ref('schedulable_captions') }}

),

page_beliefs as (

    select * from {{ ref('page_beliefs') }}

),

page_levels as (

    select * from {{ ref('page_levels') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

cell_beliefs as (

    select * from {{ ref('cell_beliefs') }}

),

totals as (

    select * from {{ ref('caption_outcome_totals') }}

),

{# Whoever is left out gets no captions at a SQL prompt either. #}
creators as (

    select * from {{ ref('creator_day_plan') }}
    where page_name not in (
        select checks.page_name
        from {{ ref('creator_checks') }} as checks
        where checks.check_status = 'failed'
    )

),

kinds as (

    select false as is_bump
    union all
    select true as is_bump

),

{# A page without outcomes of a kind is believed to be like the agency. #}
levels as (

    select
        creators.page_name,
        kinds.is_bump,
        variances.quantity,
        variances.message_variance,
        variances.pair_variance,
        coalesce(
            page_levels.page_level,
            case when kinds.is_bump then variances.bump_level else variances.priced_level end
        ) as page_level
    from creators
    cross join kinds
    cross join variances
    left join page_levels
        on
            creators.page_name = page_levels.page_name
            and kinds.is_bump = page_levels.is_bump
            and variances.quantity = page_levels.quantity

),

pages as (

    select
        value_levels.page_name,
        value_levels.is_bump,
        value_levels.page_level as value_level,
        value_levels.message_variance as value_message_variance,
        value_levels.pair_variance as value_pair_variance,
        opens_levels.page_level as opens_level,
        opens_levels.message_variance as opens_message_variance,
        opens_levels.pair_variance as opens_pair_variance,
        coalesce(page_beliefs.page_median_emv, 0e0) as page_median_emv,
        coalesce(page_beliefs.exploration_width, 1e0) as exploration_width
    from levels as value_levels
    inner join levels as opens_levels
        on
            value_levels.page_name = opens_levels.page_name
            and value_levels.is_bump = opens_levels.is_bump
            and opens_levels.quantity = 'opens'
    left join page_beliefs on value_levels.page_name = page_beliefs.page_name
    where value_levels.quantity = 'value'

),

{# What the page has seen of a caption is in its belief; of the others it believes what all pages share. #}
believed as (

    select
        candidates.*,
        pages.value_level,
        pages.value_message_variance,
        pages.opens_level,
        pages.opens_message_variance,
        pages.page_median_emv,
        pages.exploration_width,
        captions.is_judged_by_value,
        coalesce(value_beliefs.outcome_count, 0) as value_count,
        coalesce(opens_beliefs.outcome_count, 0) as opens_count,
        coalesce(value_beliefs.posterior_mean, pages.value_level + captions.shared_value) as value_mean,
        coalesce(
            value_beliefs.posterior_sd, sqrt(pages.value_pair_variance + captions.shared_value_variance)
        ) as value_sd,
        coalesce(opens_beliefs.posterior_mean, pages.opens_level + captions.shared_opens) as opens_mean,
        coalesce(
            opens_beliefs.posterior_sd, sqrt(pages.opens_pair_variance + captions.shared_opens_variance)
        ) as opens_sd,
        coalesce(totals.outcome_count, 0) as recent_count,
        coalesce(totals.success_count, 0) as success_count,
        totals.emv_sum / totals.outcome_count as avg_emv,
        {#- A draw a week: one a day is no better, and a plan of seven days would jump. #}
        {{ function_name('uniform_draw') }}(
            {{ iso_week(execution_date()) if policy == 'pooled' else "'" ~ execution_date_value().isoformat() ~ "'" }}
            || '|' || candidates.page_name || '|' || cast(candidates.caption_id as string)
        ) as uniform_draw
    from candidates
    inner join captions on candidates.caption_id = captions.caption_id
    inner join pages
        on
            candidates.page_name = pages.page_name
            and (candidates.price_tier = 'bump') = pages.is_bump
    left join cell_beliefs as value_beliefs
        on
            candidates.page_name = value_beliefs.page_name
            and candidates.caption_id = value_beliefs.caption_id
            and value_beliefs.quantity = 'value'
    left join cell_beliefs as opens_beliefs
        on
            candidates.page_name = opens_beliefs.page_name
            and candidates.caption_id = opens_beliefs.caption_id
            and opens_beliefs.quantity = 'opens'
    left join totals on candidates.page_name = totals.page_name and candidates.caption_id = totals.caption_id

),

{# Priced captions by what a view earns, and by how many more views they get; free ones by their views. #}
judged as (

    select
        *,
        {% if policy == 'pooled' -%}
        case when is_judged_by_value then value_count else opens_count end as outcome_count,
        {%- else -%}
        recent_count as outcome_count,
        {%- endif %}
        case when is_judged_by_value then 'value' else 'opens' end as quantity,
        case when is_judged_by_value then value_mean else opens_mean end as posterior_mean,
        case when is_judged_by_value then value_sd else opens_sd end as posterior_sd,
        case when is_judged_by_value then opens_mean - opens_level else 0e0 end as opens_lift,
        case when is_judged_by_value then value_level else opens_level end as page_level,
        case when is_judged_by_value then value_message_variance else opens_message_variance end as message_variance
    from believed

),

{# √3/π turns a logistic draw's scale into a standard deviation. #}
drawn as (

    select
        *,
        {% if policy == 'pooled' -%}
        posterior_mean + opens_lift
        + exploration_width * posterior_sd * (sqrt(3e0) / acos(-1e0)) * ln(uniform_draw / (1e0 - uniform_draw)) as draw
        {%- else -%}
        {{ function_name('wilson_draw') }}(1 + success_count, 1 + recent_count - success_count, uniform_draw) as draw
        {%- endif %}
    from judged

),

components as (

    select
        *,
        {% if policy == 'pooled' -%}
        1e0 / (1e0 + exp(-1.702e0 * (draw - page_level))) as thompson,
        1e0 / (1e0 + exp(page_level - posterior_mean - opens_lift)) as value
        {%- else -%}
        draw as thompson,
        coalesce(
            coalesce(avg_emv, page_median_emv)
            / nullif(coalesce(avg_emv, page_median_emv) + page_median_emv, 0e0),
            0.5e0
        ) as value
        {%- endif %}
    from drawn

),

final as (

    select
        page_name,
        caption_id,
        price_tier,
        is_needed,
        is_soft_restricted,
        is_stand_in,
        chance_draw,
        '{{ policy }}' as caption_policy,
        outcome_count,
        page_median_emv,
        quantity,
        posterior_mean,
        posterior_sd,
        opens_lift,
        page_level,
        message_variance,
        exploration_width,
        uniform_draw,
        draw,
        thompson,
        diversity,
        value,
        budget_penalty,
        0.70e0 * thompson + {{ diversity_weight }} * diversity + 0.15e0 * value
        + {{ budget_weight }} * budget_penalty as base_score
    from components

)

select * from final
