{#- For whoever is on call: what ran in the last 7 days, per job and day, and how it ended.

        dbt show --select job_runs --limit 100
-#}
with

job_runs as (

    select * from {{ source('operations', 'etl_job_runs') }}

),

recent as (

    select
        *,
        {{ local_date('job_start_time') }} as run_date
    from job_runs
    where {{ hours_between('job_start_time', current_moment()) }} <= 7 * 24

),

final as (

    select
        run_date,
        job_name,
        count(*) as runs,
        count(case when job_status = 'SUCCESS' then 1 end) as succeeded,
        count(case when job_status in ('COMPLETED_WITH_ERRORS', 'COMPLETED_NO_WORK') then 1 end) as completed,
        count(case when job_status = 'FAILED' then 1 end) as failed,
        count(case when job_status = 'RUNNING' then 1 end) as running,
        max(job_duration_seconds) as longest_seconds,
        max(error_message) as an_error
    from recent
    group by run_date, job_name

)

select * from final
order by run_date desc, job_name asc
