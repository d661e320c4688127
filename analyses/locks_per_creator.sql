{#- For whoever asks why a creator's pool is small: the captions locked on each page, by day.

        dbt show --select locks_per_creator --limit 500
-#}
with

assignments as (

    select * from {{ source('operations', 'active_caption_assignments') }}

),

final as (

    select
        page_name,
        scheduled_send_date,
        count(*) as active_locks,
        count(case when price_tier = 'bump' then 1 end) as bump_locks,
        min(assigned_at) as first_assigned_at
    from assignments
    where is_active
    group by page_name, scheduled_send_date

)

select * from final
order by page_name asc, scheduled_send_date asc
