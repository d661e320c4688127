{#- More PPV than this a page cannot get in a week: seven days of 24 hours. #}
{%- set most_ppv_a_week = 7 * 24 %}

with

daily_volume as (

    select * from {{ ref('creator_daily_volume') }}
    where schedule_date = {{ execution_date() }}

),

activity as (

    select * from {{ ref('page_daily_activity') }}
    where sending_date >= {{ execution_date(1 - var('active_window_days')) }}

),

tier_mix as (

    select * from {{ ref('tier_mix') }}

),

{# What fans pay for, not what is asked: prices weighted by what they earned. Where refunds outweigh
    sales nothing was earned, and a page without a segment would have no plan. #}
prices as (

    select
        page_name,
        greatest(
            {{ exact_sum('price_weighted_earnings') }} / nullif({{ exact_sum('priced_earnings') }}, 0), 0e0
        ) as revenue_weighted_price
    from activity
    group by page_name

),

segmented as (

    select
        daily_volume.*,
        coalesce(prices.revenue_weighted_price, 0e0) as revenue_weighted_price,
        tier_mix.behavioral_segment
    from daily_volume
    left join prices on daily_volume.page_name = prices.page_name
    inner join tier_mix
        on coalesce(prices.revenue_weighted_price, 0e0) >= tier_mix.min_revenue_weighted_price
    where true
    qualify
        row_number() over (
            partition by daily_volume.page_name
            order by tier_mix.min_revenue_weighted_price desc
        ) = 1

),

day_hours as (

    select send_hour
    from {{ integer_series(var('first_send_hour'), var('last_send_hour'), 'send_hour') }}

),

{# What is planned late in the day goes out in the hours that are left; the others are not made up. #}
hours_left as (

    select
        plan_days.schedule_date,
        min(day_hours.send_hour) as first_open_hour
    from (select distinct schedule_date from daily_volume) as plan_days
    cross join day_hours
    where {{ utc_from_local('plan_days.schedule_date', 'day_hours.send_hour') }} > {{ as_of() }}
    group by plan_days.schedule_date

),

tiers as (

    select
        'budget' as price_tier,
        1 as tier_order
    union all
    select
        'mid' as price_tier,
        2 as tier_order
    union all
    select
        'premium' as price_tier,
        3 as tier_order

),

seats as (

    select seat
    from {{ integer_series(1, most_ppv_a_week, 'seat') }}

),

{# Webster's sequence: the tier of the first, second, third… priced message of a week. However
    few a day has, the week's come out in the segment's shares. #}
tier_seats as (

    select
        tier_mix.behavioral_segment,
        tiers.price_tier,
        tiers.tier_order,
        case tiers.price_tier
            when 'budget' then tier_mix.budget_share
            when 'mid' then tier_mix.mid_share
            else tier_mix.premium_share
        end / (seats.seat - 0.5e0) as quotient
    from tier_mix
    cross join tiers
    cross join seats

),

tier_sequence as (

    select
        behavioral_segment,
        price_tier,
        row_number() over (
            partition by behavioral_segment
            order by round(quotient, 12) desc, tier_order asc
        ) as message_number
    from tier_seats

),

final as (

    select
        segmented.page_name,
        segmented.schedule_date,
        segmented.account_size,
        segmented.audience,
        segmented.behavioral_segment,
        segmented.revenue_weighted_price,
        segmented.saturation_score,
        segmented.saturation_factor,
        segmented.holiday_factor,
        segmented.min_gap_hours,
        segmented.daily_cap,
        segmented.ppv_count,
        segmented.bump_count,
        count(case when tier_sequence.price_tier = 'budget' then 1 end) as num_budget,
        count(case when tier_sequence.price_tier = 'mid' then 1 end) as num_mid,
        count(case when tier_sequence.price_tier = 'premium' then 1 end) as num_premium,
        segmented.bump_count as num_bump,
        hours_left.first_open_hour,
        least(
            segmented.ppv_count + segmented.bump_count,
            coalesce(
                cast(floor(
                    ({{ var('last_send_hour') }} - hours_left.first_open_hour)
                    / greatest(ceil(segmented.min_gap_hours), 1)
                ) as int64) + 1,
                0
            )
        ) as message_count
    from segmented
    left join tier_sequence
        on
            segmented.behavioral_segment = tier_sequence.behavioral_segment
            and segmented.ppv_to_date - segmented.ppv_count < tier_sequence.message_number
            and segmented.ppv_to_date >= tier_sequence.message_number
    left join hours_left on segmented.schedule_date = hours_left.schedule_date
    group by
        segmented.page_name, segmented.schedule_date, segmented.account_size, segmented.audience,
        segmented.behavioral_segment, segmented.revenue_weighted_price, segmented.saturation_score,
        segmented.saturation_factor, segmented.holiday_factor, segmented.min_gap_hours,
        segmented.daily_cap, segmented.ppv_count, segmented.bump_count, hours_left.first_open_hour

)

select * from final
