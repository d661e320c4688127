with

{# Not of belief_outcomes, which would work each of them out for a sum. #}
outcomes as (

    select
        page_name,
        earnings
    from {{ ref('message_outcomes') }}
    where
        sending_date >= {{ execution_date(-var('belief_window_days') - 1) }}
        and sending_time >= {{ as_of(minus_days=var('belief_window_days')) }}

),

page_levels as (

    select * from {{ ref('page_levels') }}
    where quantity = 'value' and not is_bump

),

variances as (

    select * from {{ ref('belief_variances') }}
    where quantity = 'value'

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

page_earnings as (

    select
        page_name,
        {{ exact_sum('earnings') }} as earnings
    from outcomes
    group by page_name

),

mean_earnings as (

    select {{ exact_sum('earnings') }} / nullif(count(*), 0) as earnings
    from page_earnings

),

all_pages as (

    select page_name from page_earnings
    union distinct
    select page_name from page_medians

),

final as (

    select
        all_pages.page_name,
        page_earnings.page_name is not null as is_seen,
        coalesce(page_levels.page_level, variances.priced_level) as page_level,
        coalesce(page_medians.page_median_emv, 0e0) as page_median_emv,
        {#- A try costs what the page earns: who earns much tries less. #}
        case
            when page_earnings.earnings is null or mean_earnings.earnings <= 0e0 then 1e0
            else least(
                1e0,
                0.15e0 * power(greatest(page_earnings.earnings / mean_earnings.earnings, 0.001e0), -0.7e0)
            )
        end as exploration_width
    from all_pages
    cross join variances
    cross join mean_earnings
    left join page_levels on all_pages.page_name = page_levels.page_name
    left join page_medians on all_pages.page_name = page_medians.page_name
    left join page_earnings on all_pages.page_name = page_earnings.page_name

)

select * from final
