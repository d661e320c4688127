with

pairs as (

    select
        page_name,
        caption_id,
        outcome_count,
        log_emv_sum / outcome_count as mean_log_emv
    from {{ ref('caption_outcome_totals') }}

),

variances as (

    select * from {{ ref('belief_variances') }}

),

recent_messages as (

    select
        page_name,
        {{ execution_date() }} as median_date,
        purchased_count / viewed_count * earnings as emv
    from {{ ref('stg_mass_messages') }}
    where
        viewed_count > 0
        and sending_date between {{ execution_date(1 - var('median_window_days')) }} and {{ execution_date() }}

),

page_medians as (

    {{ rolling_median('recent_messages', 'emv', 'median_date', 1, 'page_median_emv') }}

),

page_levels as (

    select
        pairs.page_name,
        {{ exact_sum(
            'pairs.mean_log_emv / (variances.weighting_variance + variances.message_variance / pairs.outcome_count)'
        ) }}
        / {{ exact_sum('1e0 / (variances.weighting_variance + variances.message_variance / pairs.outcome_count)') }}
            as page_level
    from pairs
    cross join variances
    group by pairs.page_name

),

all_pages as (

    select page_name from page_levels
    union distinct
    select page_name from page_medians

),

mean_level as (

    select {{ exact_sum('page_level') }} / nullif(count(*), 0) as page_level
    from page_levels

),

{# A page never seen takes the mean of all pages; before anything was learnt, its own median. #}
levelled as (

    select
        all_pages.page_name,
        page_levels.page_level is not null as is_seen,
        coalesce(
            page_levels.page_level,
            mean_level.page_level,
            ln(greatest(page_medians.page_median_emv, 0.000001e0))
        ) as page_level,
        page_medians.page_median_emv
    from all_pages
    cross join mean_level
    left join page_levels on all_pages.page_name = page_levels.page_name
    left join page_medians on all_pages.page_name = page_medians.page_name

),

final as (

    select
        page_name,
        is_seen,
        page_level,
        coalesce(page_median_emv, exp(page_level)) as page_median_emv
    from levelled

)

select * from final
