{#- No statistic lies outside its range; a NULL does not pass either. -#}
select
    page_name,
    caption_id,
    confidence_lower_bound,
    confidence_upper_bound,
    exploration_score,
    performance_percentile,
    total_observations,
    avg_conversion_rate
from {{ ref('caption_bandit_stats') }}
where
    (
        confidence_lower_bound >= 0
        and confidence_lower_bound <= confidence_upper_bound
        and confidence_upper_bound <= 1
        and exploration_score > 0
        and exploration_score < 1
        and performance_percentile between 0 and 100
        and total_observations >= 1
        and last_used <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}
        and last_used >= {{ as_of(minus_days=var('stats_window_days')) }}
        and last_updated >= last_used
    ) is distinct from true
    or avg_conversion_rate < 0
    or avg_conversion_rate > 1
