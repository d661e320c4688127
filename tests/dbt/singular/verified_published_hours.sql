{{ config(tags=['verify'], fail_calc='sum(wrong)') }}

{#- Each message goes out on the date and at the hour that its slot names. -#}
select
    count(*) as slots,
    count(
        case
            when
                schedule_date is distinct from {{ local_date('scheduled_send_time') }}
                or send_hour is distinct from {{ local_hour('scheduled_send_time') }}
                then 1
        end
    ) as wrong
from {{ ref('schedule_recommendations') }}
where send_hour is not null
