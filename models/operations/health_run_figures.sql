{{ config(materialized='view', tags=['performance', 'daily']) }}

{%- set moment = current_moment() %}

with

job_runs as (

    select * from {{ source('operations', 'etl_job_runs') }}

),

{# A run may begin just after the midnight that it is for. A row from the future (a clock that was
    wrong) tells nothing. #}
known_runs as (

    select
        *,
        execution_date = {{ local_date('job_start_time') }}
        or (
            execution_date = {{ add_days(local_date('job_start_time'), -1) }}
            and {{ local_hour('job_start_time') }} = 0
        ) as is_of_its_day
    from job_runs
    where {{ hours_between('job_start_time', moment) }} > -0.1

),

{# A replay of another day does not do today's work, and a build that checks no creator only a part. #}
good_runs as (

    select
        job_name,
        job_start_time
    from known_runs
    where
        is_of_its_day
        and job_status in ('SUCCESS', 'COMPLETED_WITH_ERRORS', 'COMPLETED_NO_WORK')
        and (job_name != 'build' or creators_processed is not null)

),

last_successes as (

    select
        max(case when job_name in ('performance', 'build') then job_start_time end) as performance_at,
        max(case when job_name in ('daily', 'build') then job_start_time end) as daily_at,
        max(case when job_name in ('sweep', 'daily', 'build') then job_start_time end) as sweep_at
    from good_runs

),

log_starts as (

    select
        min(job_start_time) as any_at,
        min(case when job_status = 'RUNNING' then job_start_time end) as running_at
    from job_runs

),

recent_runs as (

    select
        job_name,
        job_status,
        creators_failed,
        row_number() over (partition by job_name order by job_start_time desc, job_id asc) as recency,
        row_number() over (
            partition by creators_failed is not null and job_name in ('daily', 'build')
            order by job_start_time desc, job_id asc
        ) as recency_by_check
    from known_runs
    where
        job_status != 'RUNNING'
        {#- A replay that fails is a failure, one that succeeds mends nothing. #}
        and (is_of_its_day or job_status = 'FAILED')
        and {{ hours_between('job_start_time', moment) }} <= 7 * 24

),

{# A schedule that never succeeded is as late as the first run of any is old. #}
final as (

    select
        'performance_run' as check_name,
        {{ hours_between('coalesce(performance_at, any_at)', moment) }} as figure
    from last_successes
    cross join log_starts

    union all

    select
        'daily_run' as check_name,
        {{ hours_between('coalesce(daily_at, any_at)', moment) }} as figure
    from last_successes
    cross join log_starts

    union all

    select
        'sweep_run' as check_name,
        {{ hours_between('coalesce(sweep_at, any_at)', moment) }} as figure
    from last_successes
    cross join log_starts

    union all

    select
        'job_run' as check_name,
        cast(count(case when job_status = 'FAILED' then 1 end) as float64) as figure
    from recent_runs
    where recency = 1

    union all

    select
        'circuit_breaker' as check_name,
        cast(coalesce(max(creators_failed), 0) as float64) as figure
    from recent_runs
    where recency_by_check = 1 and creators_failed is not null and job_name in ('daily', 'build')

    union all

    select
        'running_runs' as check_name,
        coalesce({{ hours_between('running_at', moment) }}, 0) as figure
    from log_starts

)

select * from final
