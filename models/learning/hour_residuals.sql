with

outcomes as (

    select * from {{ ref('belief_outcomes') }}
    where log_value is not null and not is_bump

),

cell_beliefs as (

    select * from {{ ref('cell_beliefs') }}
    where quantity = 'value'

),

{# Better captions at an hour are not taken for a better hour. #}
residuals as (

    select
        outcomes.page_name,
        {{ iso_weekday('outcomes.sending_date') }} >= 6 as is_weekend,
        {{ local_hour('outcomes.sending_time') }} as send_hour,
        outcomes.log_value - cell_beliefs.posterior_mean as residual
    from outcomes
    inner join cell_beliefs
        on
            outcomes.page_name = cell_beliefs.page_name
            and outcomes.caption_id = cell_beliefs.caption_id

),

final as (

    select
        page_name,
        is_weekend,
        send_hour,
        count(*) as message_count,
        {{ exact_sum('residual') }} as residual_sum
    from residuals
    group by page_name, is_weekend, send_hour

)

select * from final
