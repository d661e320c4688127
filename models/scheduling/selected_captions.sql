{%- set share = holdout_share() %}
{%- set draw_key = "'" ~ execution_date_value().isoformat() ~ "|' || plans.page_name" %}

with

holidays as (

    select distinct holiday_date from {{ ref('holiday_calendar') }}

),

{# On average so many messages of a tier go to chance as the share says, however few they are: a draw decides
    over what is less than one. Holidays are days like no other, and prove nothing. #}
creators_to_schedule as (

    select
        {% for tier in ['budget', 'mid', 'premium'] -%}
        case
            when holidays.holiday_date is not null then 0
            else cast(floor(
                {{ share }} * plans.num_{{ tier }}
                + {{ function_name('uniform_draw') }}({{ draw_key }} || '|{{ tier }}|chance slots')
            ) as int64)
        end as chance_{{ tier }},
        {% endfor -%}
        plans.*
    from {{ ref('creator_day_plan') }} as plans
    inner join {{ ref('creator_checks') }} as creator_checks
        on plans.page_name = creator_checks.page_name
    left join holidays on plans.schedule_date = holidays.holiday_date
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
