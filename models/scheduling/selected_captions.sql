with

creators_to_schedule as (

    select creator_day_plan.*
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
