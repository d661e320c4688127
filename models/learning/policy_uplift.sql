{#- What makes a figure: so many messages by chance, and shares of both kinds sent that are no further apart. -#}
{%- set fewest, furthest = 30, '0.1e0' %}

with

{# Only where a draw has dealt the hours can the two kinds be compared: else the chosen had the better ones. #}
slots as (

    select * from {{ ref('recommendation_outcomes') }}
    where is_dealt_by_draw and message_type = 'PPV'

),

{# A slot counts by what was planned, whatever was sent in it. Who sends may replace a text that looks odd, and would
    choose himself what is compared. #}
measured as (
    {% for window_days in [30, 90] %}
    select
        {{ window_days }} as window_days,
        page_name,
        price_tier,
        selection_kind,
        status != 'pending' as is_settled,
        status in ('sent', 'other text') as is_sent,
        case
            when status in ('sent', 'other text') and is_mature and sent_count > 0 then earnings / sent_count
        end as earned
    from slots
    where schedule_date >= {{ execution_date(1 - window_days) }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

cells as (

    select
        window_days,
        page_name,
        price_tier,
        count(case when selection_kind = 'chosen' then earned end) as chosen_count,
        count(case when selection_kind = 'chance' then earned end) as chance_count,
        {{ exact_sum('earned') }} / nullif(count(earned), 0) as cell_mean
    from measured
    group by window_days, page_name, price_tier

),

{# Pages and tiers earn differently, so each is a comparison of its own, with the weight n₀n₁ / (n₀ + n₁). It tells
    nothing with one kind alone, or where nobody bought anything. The weight is spread over the messages: each gets
    its share of it, and the sums over messages below are those over cells. #}
weighed as (

    select
        measured.window_days,
        measured.page_name,
        measured.selection_kind,
        measured.is_settled,
        measured.is_sent,
        measured.earned / cells.cell_mean as ratio,
        case
            when measured.selection_kind = 'chosen' then cells.chance_count else cells.chosen_count
        end / (cells.chosen_count + cells.chance_count) as weight
    from measured
    left join cells
        on
            measured.window_days = cells.window_days
            and measured.page_name = cells.page_name
            and measured.price_tier = cells.price_tier
            and cells.chosen_count > 0
            and cells.chance_count > 0
            and cells.cell_mean > 0

),

{# Every page, and '' for all of them together, which is there whatever there is to compare. #}
scoped as (

    select
        page_name as scope_name,
        weighed.*
    from weighed

    union all

    select
        '' as scope_name,
        weighed.*
    from weighed
    {% for window_days in [30, 90] %}
    union all

    select
        '' as scope_name,
        {{ window_days }} as window_days,
        cast(null as string) as page_name,
        cast(null as string) as selection_kind,
        cast(null as bool) as is_settled,
        cast(null as bool) as is_sent,
        cast(null as float64) as ratio,
        cast(null as float64) as weight
    {% endfor %}
),

summed as (

    select
        window_days,
        scope_name,
        count(case when selection_kind = 'chosen' then ratio end) as chosen_count,
        count(case when selection_kind = 'chosen' and is_sent then 1 end)
        / nullif(count(case when selection_kind = 'chosen' and is_settled then 1 end), 0) as chosen_sent_share,
        coalesce({{ exact_sum("case when selection_kind = 'chosen' then weight * ratio end") }}, 0e0)
            as chosen_level,
        {{ exact_sum("case when selection_kind = 'chosen' and ratio is not null then weight * weight end") }}
            as chosen_spread,
        {{ exact_sum("case when selection_kind = 'chosen' then ratio end") }} as chosen_sum,
        {{ exact_sum("case when selection_kind = 'chosen' then ratio * ratio end") }} as chosen_squares,
        count(case when selection_kind = 'chance' then ratio end) as chance_count,
        count(case when selection_kind = 'chance' and is_sent then 1 end)
        / nullif(count(case when selection_kind = 'chance' and is_settled then 1 end), 0) as chance_sent_share,
        coalesce({{ exact_sum("case when selection_kind = 'chance' then weight * ratio end") }}, 0e0)
            as chance_level,
        {{ exact_sum("case when selection_kind = 'chance' and ratio is not null then weight * weight end") }}
            as chance_spread,
        {{ exact_sum("case when selection_kind = 'chance' then ratio end") }} as chance_sum,
        {{ exact_sum("case when selection_kind = 'chance' then ratio * ratio end") }} as chance_squares
    from scoped
    group by window_days, scope_name

),

judged as (

    select
        *,
        greatest(chosen_squares - chosen_sum * chosen_sum / nullif(chosen_count, 0), 0e0)
        / nullif(chosen_count - 1, 0) as chosen_variance,
        greatest(chance_squares - chance_sum * chance_sum / nullif(chance_count, 0), 0e0)
        / nullif(chance_count - 1, 0) as chance_variance,
        case
            when chance_count < {{ fewest }} or chosen_count < 2 then 'not enough yet'
            {#- Rounded, since 0.8 - 0.7 is more than 0.1 in floating point. #}
            when round(abs(chosen_sent_share - chance_sent_share), 9) > {{ furthest }} then 'sent unevenly'
            when chosen_level <= 0 or chance_level <= 0 then 'nothing earned'
            else 'known'
        end as status
    from summed

),

{# Where there is no figure nothing is divided. #}
estimated as (

    select
        *,
        case when status = 'known' then ln(chosen_level / nullif(chance_level, 0e0)) end as log_uplift,
        case
            when status = 'known'
                then sqrt(
                    chosen_variance * chosen_spread / nullif(chosen_level * chosen_level, 0e0)
                    + chance_variance * chance_spread / nullif(chance_level * chance_level, 0e0)
                )
        end as log_error
    from judged

),

final as (

    select
        cast(window_days as int64) as window_days,
        nullif(scope_name, '') as page_name,
        status,
        chosen_count,
        chance_count,
        chosen_sent_share,
        chance_sent_share,
        {#- What follows is the noise of nine decimals in the sums. #}
        round(exp(log_uplift), 6) as uplift,
        round(exp(log_uplift - 1.96e0 * log_error), 6) as uplift_low,
        round(exp(log_uplift + 1.96e0 * log_error), 6) as uplift_high
    from estimated

)

select * from final
