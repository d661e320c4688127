{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key=['page_name', 'caption_id'],
        partition_by={'field': 'last_updated', 'data_type': 'timestamp', 'granularity': 'day'},
        cluster_by=['page_name', 'caption_id', 'last_used'],
        partition_expiration_days=90,
        post_hook="{{ forget_pairs_without_outcomes() }}"
    )
}}

{%- set measures = [
    'successes', 'failures', 'total_observations', 'total_revenue', 'avg_conversion_rate', 'avg_emv',
    'last_emv_observed', 'confidence_lower_bound', 'confidence_upper_bound', 'exploration_score',
    'last_used'
] %}

with

totals as (

    select * from {{ ref('caption_outcome_totals') }}

),

{# One success and one failure are given to every pair, so that a single message decides nothing. #}
counted as (

    select
        *,
        1 + success_count as successes,
        1 + outcome_count - success_count as failures,
        emv_sum / outcome_count as avg_emv
    from totals

),

bounded as (

    select
        *,
        {{ function_name('wilson_score_bounds') }}(successes, failures) as bounds
    from counted

),

current_stats as (

    select
        caption_id,
        page_name,
        successes,
        failures,
        outcome_count as total_observations,
        total_revenue,
        purchased_count / nullif(sent_count, 0) as avg_conversion_rate,
        avg_emv,
        last_emv_observed,
        bounds.lower_bound as confidence_lower_bound,
        bounds.upper_bound as confidence_upper_bound,
        bounds.exploration_bonus as exploration_score,
        last_used,
        {#- 100 · percent rank; in this order of operations halves are exact and round alike everywhere. #}
        cast(round(coalesce(
            100e0 * (rank() over (partition by page_name order by avg_emv asc) - 1)
            / nullif(count(*) over (partition by page_name) - 1, 0), 0e0
        )) as int64) as performance_percentile
    from bounded

),

{%- if is_incremental() %}

previous_stats as (

    select * from {{ this }}

),

{# Only what changed is merged. A percentile moves when others do: that is no news of this pair. #}
compared as (

    select
        current_stats.*,
        previous_stats.last_updated as previous_last_updated,
        previous_stats.performance_percentile as previous_percentile,
        {% for measure in measures -%}
        current_stats.{{ measure }} is distinct from previous_stats.{{ measure }}
        {{ 'or ' if not loop.last }}
        {%- endfor %}as is_changed
    from current_stats
    left join previous_stats
        on
            current_stats.page_name = previous_stats.page_name
            and current_stats.caption_id = previous_stats.caption_id

),
{%- else %}

compared as (

    select
        *,
        cast(null as timestamp) as previous_last_updated,
        cast(null as int64) as previous_percentile,
        true as is_changed
    from current_stats

),
{%- endif %}

final as (

    select
        caption_id,
        page_name,
        successes,
        failures,
        total_observations,
        total_revenue,
        avg_conversion_rate,
        avg_emv,
        last_emv_observed,
        confidence_lower_bound,
        confidence_upper_bound,
        exploration_score,
        last_used,
        case
            when is_changed or previous_last_updated is null then {{ as_of() }} else previous_last_updated
        end as last_updated,
        performance_percentile
    from compared
    where is_changed or performance_percentile is distinct from previous_percentile

)

select * from final
