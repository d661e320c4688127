{%- set share = holdout_share() %}

with

{# On average so many messages of a tier go to chance as the share says, however few they are: a draw decides
    over what is less than one. Holidays are days like no other, and prove nothing. #}
creators_to_schedule as (

    select
        creator_day_plan.*,
        {%- for tier in ['budget', 'mid', 'premium'] %}
        case
            when creator_day_plan.schedule_date in (select holidays.holiday_date from {{ ref('holiday_calendar') }} as holidays)
                then 0
            else
                cast(floor(
                    {{ share }} * creator_day_plan.num_{{ tier }}
                    + {{ function_name('uniform_draw') }}(
                        '{{ execution_date_value().isoformat() }}|' || creator_day_plan.page_name || '|{{ tier }}|chance slots'
                    )
                ) as int64)
        end as chance_{{ tier }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ ref('creator_day_plan') }} as creator_day_plan
    inner join {{ ref('creator_checks') }} as creator_checks
        on creator_day_plan.page_name = creator_checks.page_name
    where creator_checks.check_status = 'ok'

),

{# Most pages send one or two tiers a day: the others' millions need no score. #}
needed_scores as (

    select * from {{ ref('caption_scores') }}
    where is_needed

),

chosen as (

    {{ select_captions('creators_to_schedule', 'needed_scores', ref('schedulable_captions')) }}

),

final as (

    select
        creators_to_schedule.schedule_date,
        chosen.*
    from chosen
    inner join creators_to_schedule on chosen.page_name = creators_to_schedule.page_name

)

select * from final
