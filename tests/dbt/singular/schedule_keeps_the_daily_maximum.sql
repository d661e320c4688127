{{ config(tags=['daily']) }}

{#- A page never gets more messages on a day than its size allows. #}
select
    recommendations.schedule_id,
    volume_policy.daily_maximum,
    count(*) as message_count
from {{ ref('schedule_recommendations') }} as recommendations
left join {{ ref('volume_policy') }} as volume_policy
    on recommendations.account_size = volume_policy.account_size
where recommendations.schedule_date >= {{ execution_date() }} and recommendations.is_active
group by recommendations.schedule_id, volume_policy.daily_maximum
having count(*) > coalesce(volume_policy.daily_maximum, 0)
