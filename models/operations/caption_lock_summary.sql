{{
    config(
        materialized='view',
        tags=['daily', 'sweep'],
        pre_hook=["{{ release_expired_locks() }}", "{{ log_lock_sweep() }}"],
        post_hook="{{ raise_lock_alerts() }}"
    )
}}

with

assignments as (

    select * from {{ source('operations', 'active_caption_assignments') }}

),

final as (

    select
        page_name,
        count(case when is_active then 1 end) as active_locks,
        count(case when not is_active then 1 end) as released_locks,
        max(case when is_active then scheduled_send_date end) as last_locked_date
    from assignments
    group by page_name

)

select * from final
