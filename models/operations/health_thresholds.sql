{{ config(materialized='view', tags=['performance', 'daily']) }}

{#- A finding that has no number of its own is one too many from the first. #}
select
    check_name,
    cast(
        case check_name
            when 'performance_run' then {{ var('performance_late_hours') }}
            when 'daily_run' then {{ var('daily_late_hours') }}
            when 'sweep_run' then {{ var('sweep_late_hours') }}
            when 'running_runs' then {{ var('stale_run_hours') }}
            when 'input_rows' then {{ var('input_late_hours') }}
            when 'rejected_share' then {{ var('rejected_share_warning') }}
            when 'caption_match_rate' then {{ var('match_rate_drop_warning') }}
            when 'learnt_share' then {{ var('unlearnt_share_warning') }}
            when 'belief_calibration' then {{ var('calibration_gap_warning') }}
            when 'active_locks' then {{ var('active_locks_warning') }}
            when 'lock_sweep' then {{ var('sweep_warning_locks') }}
            else 0
        end as float64
    ) as warn_at,
    cast(
        case check_name
            when 'performance_run' then {{ var('performance_late_hours') }}
            when 'daily_run' then {{ var('daily_late_hours') }}
            when 'sweep_run' then {{ var('sweep_very_late_hours') }}
            when 'running_runs' then {{ var('stale_run_hours') }}
            when 'input_rows' then {{ var('input_very_late_hours') }}
            when 'rejected_share' then {{ var('max_rejected_share') }}
            when 'caption_match_rate' then {{ var('match_rate_drop_critical') }}
            when 'learnt_share' then {{ var('unlearnt_share_critical') }}
            when 'active_locks' then {{ var('active_locks_critical') }}
            when 'job_run' then 1
            when 'circuit_breaker' then {{ var('circuit_breaker_threshold') }}
        end as float64
    ) as fail_at
from {{ ref('health_rules') }}
