{{ config(tags=['sweep', 'daily']) }}

{#- A sweep's two counts are what it cleaned in all, and a run logs one sweep. #}
-- depends_on: {{ ref('caption_lock_summary') }} {{ ref('schedule_recommendations_messages') }}
select
    sweep_id,
    count(*) as row_count,
    sum(locks_expired_stale) as stale_count,
    sum(locks_expired_past_date) as past_date_count,
    sum(total_locks_cleaned) as total_count
from {{ source('operations', 'lock_sweep_log') }}
where sweep_time >= {{ timestamp_literal(sweep_moment() - modules.datetime.timedelta(days=1)) }}
group by sweep_id
having
    count(*) > 1
    or (sum(locks_expired_stale) + sum(locks_expired_past_date)) is distinct from sum(total_locks_cleaned)
