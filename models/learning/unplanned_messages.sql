{{ config(materialized='view') }}

with

slots as (

    select * from {{ ref('published_slots') }}

),

planned as (

    select row_id
    from {{ ref('recommendation_outcomes') }}
    where row_id is not null

),

{# Before a page had its first plan, all that it sent was without one. #}
first_days as (

    select
        page_name,
        min(schedule_date) as first_day
    from slots
    group by page_name

),

final as (

    select
        messages.page_name,
        messages.sending_date,
        count(*) as message_count,
        count(case when planned.row_id is null then 1 end) as unplanned_count
    from {{ ref('stg_mass_messages') }} as messages
    inner join first_days on messages.page_name = first_days.page_name
    left join planned on messages.row_id = planned.row_id
    where
        messages.sending_date >= {{ execution_date(-89) }}
        and messages.sending_date >= first_days.first_day
    group by messages.page_name, messages.sending_date

)

select * from final
