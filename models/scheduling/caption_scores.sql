{{ config(materialized='view', post_hook="{{ deploy_select_captions_for_creator() }}") }}

{%- set policy = caption_policy() %}

with

pool as (

    select * from {{ ref('caption_pool') }}

),

page_beliefs as (

    select * from {{ ref('page_beliefs') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

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

typical as (

    select {{ exact_sum('page_level') }} / nullif(count(*), 0) as page_level
    from page_beliefs
    where is_seen

),

{# A page that no outcome or view has told anything about is believed to be like the mean page. #}
pages as (

    select
        creators.page_name,
        '{{ execution_date_value().isoformat() }}|' || creators.page_name || '|' as draw_key,
        coalesce(page_beliefs.page_level, typical.page_level, 0e0) as page_level,
        coalesce(page_beliefs.page_median_emv, exp(coalesce(typical.page_level, 0e0))) as page_median_emv,
        variances.message_variance,
        variances.caption_variance,
        variances.pair_variance
    from creators
    cross join variances
    cross join typical
    left join page_beliefs on creators.page_name = page_beliefs.page_name

),

paired as (

    select
        pool.*,
        pages.page_level,
        pages.page_median_emv,
        pages.message_variance,
        pages.caption_variance,
        pages.pair_variance,
        coalesce(totals.outcome_count, 0) as outcome_count,
        coalesce(totals.success_count, 0) as success_count,
        totals.log_emv_sum / totals.outcome_count as mean_log_emv,
        totals.emv_sum / totals.outcome_count as avg_emv,
        coalesce(1e0 / (pages.pair_variance + pages.message_variance / totals.outcome_count), 0e0) as own_weight,
        {{ function_name('uniform_draw') }}(
            pages.draw_key || cast(pool.caption_id as string)
        ) as uniform_draw
    from pool
    inner join pages on pool.page_name = pages.page_name
    left join totals on pool.page_name = totals.page_name and pool.caption_id = totals.caption_id

),

{# What the caption did on its other pages: all pages' sums less this page's part. #}
elsewhere as (

    select
        *,
        1e0 / (weight_sum - own_weight + 1e0 / caption_variance) as caption_uncertainty,
        weighted_residual_sum - own_weight * coalesce(mean_log_emv - page_level, 0e0) as residual_elsewhere
    from paired

),

prior as (

    select
        *,
        page_level + residual_elsewhere * caption_uncertainty as prior_mean,
        pair_variance + caption_uncertainty as prior_variance
    from elsewhere

),

posterior as (

    select
        *,
        (outcome_count * coalesce(mean_log_emv, 0e0) / message_variance + prior_mean / prior_variance)
        / (outcome_count / message_variance + 1e0 / prior_variance) as posterior_mean,
        sqrt(1e0 / (outcome_count / message_variance + 1e0 / prior_variance)) as posterior_sd
    from prior

),

{# The width of 0.25 is deliberate: exploring at the full standard deviation earns less. √3/π turns
    a logistic draw's scale into a standard deviation. #}
drawn as (

    select
        *,
        {% if policy == 'pooled' -%}
        posterior_mean
        + 0.25e0 * posterior_sd * (sqrt(3e0) / acos(-1e0)) * ln(uniform_draw / (1e0 - uniform_draw)) as draw
        {%- else -%}
        {{ function_name('wilson_draw') }}(1 + success_count, 1 + outcome_count - success_count, uniform_draw) as draw
        {%- endif %}
    from posterior

),

components as (

    select
        *,
        {% if policy == 'pooled' -%}
        1e0 / (1e0 + exp(-1.702e0 * (draw - ln(greatest(page_median_emv, 0.000001e0))))) as thompson,
        exp(posterior_mean) as expected_emv
        {%- else -%}
        draw as thompson,
        coalesce(avg_emv, page_median_emv) as expected_emv
        {%- endif %}
    from drawn

),

valued as (

    select
        *,
        coalesce(expected_emv / nullif(expected_emv + page_median_emv, 0e0), 0.5e0) as value
    from components

),

final as (

    select
        page_name,
        caption_id,
        price_tier,
        is_needed,
        is_soft_restricted,
        '{{ policy }}' as caption_policy,
        outcome_count,
        page_median_emv,
        posterior_mean,
        posterior_sd,
        uniform_draw,
        draw,
        thompson,
        diversity,
        value,
        budget_penalty,
        0.70e0 * thompson + 0.15e0 * diversity + 0.15e0 * value + 0.10e0 * budget_penalty as base_score
    from valued

)

select * from final
