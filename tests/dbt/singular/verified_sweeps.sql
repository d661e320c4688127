{{ config(tags=['verify'], fail_calc='sum(wrong + left_active)') }}

{#- What each sweep logged adds up, and no lock of an earlier day outlived the last one. -#}
with

sweeps as (

    select
        count(*) as sweeps,
        max({{ local_date('sweep_time') }}) as day,
        count(
            case
                when total_locks_cleaned is distinct from locks_expired_stale + locks_expired_past_date then 1
            end
        ) as wrong
    from {{ source('operations', 'lock_sweep_log') }}

),

left_active as (

    select count(*) as locks
    from {{ source('operations', 'active_caption_assignments') }}
    where is_active and scheduled_send_date < (select sweeps.day from sweeps)

)

select
    sweeps.sweeps,
    sweeps.day,
    sweeps.wrong,
    left_active.locks as left_active
from sweeps
cross join left_active
