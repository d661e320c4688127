{{ config(materialized='view', tags=['performance', 'daily']) }}

{#- A view, so that a dashboard sees the present: a table would go on saying PASS after the runs that
    rebuild it have stopped. -#}
{%- set moment = current_moment() %}
{%- set today = local_date(moment) %}

{%- set learning_figures -%}
    coalesce(
        ': of ' || cast(sum(eligible_messages) as string) || ' messages, ' || cast(sum(matched_messages) as string)
        || ' have a known caption and ' || cast(sum(outcomes) as string) || ' taught something',
        ''
    )
{%- endset %}

with

job_runs as (

    select * from {{ source('operations', 'etl_job_runs') }}

),

{# Not stg_mass_messages: a refused input holds that up, and health must not depend on the guard. #}
messages as (

    select * from {{ ref('mass_messages_checked') }}
    where rejection_reason is null and sending_time <= {{ moment }}

),

caption_keys as (

    select distinct caption_key from {{ ref('stg_caption_bank') }}

),

known_captions as (

    select caption_id from {{ ref('stg_caption_bank') }}
    union distinct
    select caption_id from {{ ref('stg_captions') }}

),

input_counts as (

    select * from {{ ref('input_reconciliation') }}

),

findings as (

    select * from {{ ref('message_findings') }}
    where sending_date >= {{ add_days(today, -var('stats_window_days') - var('median_window_days')) }}

),

{# What the newest performance run said of itself, whatever has stopped the runs after it. #}
newest_learning as (

    select *
    from {{ source('operations', 'learning_log') }}
    where true
    qualify row_number() over (order by noted_at desc, job_id asc) = 1

),

assignments as (

    select * from {{ source('operations', 'active_caption_assignments') }}

),

sweeps as (

    select * from {{ source('operations', 'lock_sweep_log') }}

),

alerts as (

    select * from {{ source('operations', 'automation_alerts') }}

),

deliveries as (

    select * from {{ source('operations', 'alert_deliveries') }}

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

{# A schedule that never succeeded is as late as the first run of any is old. #}
schedule_ages as (

    select
        coalesce(
            max(case when job_name in ('performance', 'build') then job_start_time end),
            (select min(job_runs.job_start_time) from job_runs)
        ) as performance_since,
        coalesce(
            max(case when job_name in ('daily', 'build') then job_start_time end),
            (select min(job_runs.job_start_time) from job_runs)
        ) as daily_since,
        coalesce(
            max(case when job_name in ('sweep', 'daily', 'build') then job_start_time end),
            (select min(job_runs.job_start_time) from job_runs)
        ) as sweep_since
    from good_runs

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

matched_messages as (

    select
        messages.sending_date >= {{ add_days(today, -7) }} as is_recent,
        known_captions.caption_id is not null or caption_keys.caption_key is not null as is_matched
    from messages
    left join caption_keys on messages.caption_key = caption_keys.caption_key
    left join known_captions on messages.caption_id = known_captions.caption_id
    {#- An old key says nothing about a bank with new ones. #}
    where
        messages.sending_date between {{ add_days(today, -37) }} and {{ add_days(today, -1) }}
        and not coalesce(messages.has_old_key, false)

),

match_rates as (

    select
        count(case when is_recent then 1 end) as recent_messages,
        count(case when is_recent and is_matched then 1 end)
        / nullif(count(case when is_recent then 1 end), 0) as recent_rate,
        count(case when not is_recent and is_matched then 1 end)
        / nullif(count(case when not is_recent then 1 end), 0) as earlier_rate
    from matched_messages

),

undelivered as (

    select
        alert_id,
        channel
    from deliveries
    where
        {{ hours_between('attempted_at', moment) }} <= 72
        and alert_id in (
            select alerts.alert_id
            from alerts
            where not coalesce(alerts.acknowledged, false)
        )
    group by alert_id, channel
    having count(case when is_delivered then 1 end) = 0

),

measured as (

    select
        'performance_run' as check_name,
        {{ hours_between('performance_since', moment) }} as figure,
        cast({{ var('performance_late_hours') }} as float64) as warn_at,
        cast({{ var('performance_late_hours') }} as float64) as fail_at,
        'hours' as unit,
        'platform' as owner,
        'etl_job_runs' as detail_table,
        'since the last performance run that succeeded' as measures,
        'no performance run has succeeded for {{ var("performance_late_hours") }} hours: nothing new is learnt'
            as problem,
        'see `eros runs --job performance`, mend what failed, then `eros run performance`' as next_step,
        true as raises_alert
    from schedule_ages

    union all

    select
        'daily_run' as check_name,
        {{ hours_between('daily_since', moment) }} as figure,
        cast({{ var('daily_late_hours') }} as float64) as warn_at,
        cast({{ var('daily_late_hours') }} as float64) as fail_at,
        'hours' as unit,
        'platform' as owner,
        'etl_job_runs' as detail_table,
        'since the last daily run that succeeded' as measures,
        'no daily run has succeeded for {{ var("daily_late_hours") }} hours: creators have no schedule' as problem,
        'see `eros runs --job daily`, mend what failed, then `eros run daily`' as next_step,
        true as raises_alert
    from schedule_ages

    union all

    select
        'sweep_run' as check_name,
        {{ hours_between('sweep_since', moment) }} as figure,
        cast({{ var('sweep_late_hours') }} as float64) as warn_at,
        cast({{ var('sweep_very_late_hours') }} as float64) as fail_at,
        'hours' as unit,
        'platform' as owner,
        'etl_job_runs' as detail_table,
        'since the last sweep that succeeded' as measures,
        'no sweep has succeeded for {{ var("sweep_late_hours") }} hours: captions stay locked' as problem,
        'is the scheduler alive? see `eros runs --job sweep`, then `eros run sweep`' as next_step,
        true as raises_alert
    from schedule_ages

    union all

    select
        'input_rows' as check_name,
        {{ hours_between('max(sending_time)', moment) }} as figure,
        cast({{ var('input_late_hours') }} as float64) as warn_at,
        cast({{ var('input_very_late_hours') }} as float64) as fail_at,
        'hours' as unit,
        'data' as owner,
        'mass_messages' as detail_table,
        'since the newest message in mass_messages was sent' as measures,
        'mass_messages has had no new row for {{ var("input_late_hours") }} hours or more' as problem,
        'ask whoever loads mass_messages; afterwards `eros run performance --since DATE` takes in what was missed'
            as next_step,
        true as raises_alert
    from messages
    where sending_date >= {{ add_days(today, -37) }}

    union all

    select
        'rejected_share' as check_name,
        coalesce(max(rows_unusable / nullif(rows_judged, 0)), 0) as figure,
        cast({{ var('rejected_share_warning') }} as float64) as warn_at,
        cast({{ var('max_rejected_share') }} as float64) as fail_at,
        'share' as unit,
        'data' as owner,
        'rejected_rows' as detail_table,
        'of the rows of an input were rejected, the worst input' as measures,
        'too many rows of an input cannot be used' as problem,
        'see rejected_rows for the reasons, and have them mended where the table is made' as next_step,
        true as raises_alert
    from input_counts
    {#- A row of the restrictions that cannot be read is a matter of its creator. #}
    where source_name != 'creator_caption_restrictions'

    union all

    select
        'caption_match_rate' as check_name,
        case
            when recent_messages >= 20 and recent_rate = 0 then 1
            when recent_messages >= 20 then greatest(coalesce(earlier_rate - recent_rate, 0), 0)
            else 0
        end as figure,
        cast({{ var('match_rate_drop_warning') }} as float64) as warn_at,
        cast({{ var('match_rate_drop_critical') }} as float64) as fail_at,
        'share' as unit,
        'content' as owner,
        'message_outcomes' as detail_table,
        'fewer messages of the last 7 days than of the 30 before belong to a caption of the bank' as measures,
        'messages are sent with texts that caption_bank does not have: they teach nothing' as problem,
        'see analyses/unmatched_messages.sql; add the texts to caption_bank' as next_step,
        true as raises_alert
    from match_rates

    union all

    {#- An absolute bound: a fault that has been there from the first day shows in no comparison. #}
    select
        'learnt_share' as check_name,
        coalesce(max(case when eligible_messages >= 20 then 1 - outcomes / eligible_messages end), 0) as figure,
        cast({{ var('unlearnt_share_warning') }} as float64) as warn_at,
        cast({{ var('unlearnt_share_critical') }} as float64) as fail_at,
        'share' as unit,
        'content' as owner,
        'learning_coverage' as detail_table,
        'of the messages of 90 days taught nothing' || {{ learning_figures }} as measures,
        'most of what is sent teaches nothing' || {{ learning_figures }} as problem,
        'compare the three figures of learning_coverage; see analyses/unmatched_messages.sql and rejected_rows'
            as next_step,
        true as raises_alert
    from newest_learning

    union all

    select
        'older_messages' as check_name,
        cast(coalesce(sum(new_messages + changed_messages), 0) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast(null as float64) as fail_at,
        'messages' as unit,
        'data' as owner,
        'message_findings' as detail_table,
        'of dates older than the look-back are not as the input has them' as measures,
        'messages of older dates arrived or changed after they were read' as problem,
        '`eros run performance --since '
        || coalesce(
            cast(min(case when new_messages + changed_messages > 0 then sending_date end) as string), 'DATE'
        )
        || '` takes them in' as next_step,
        true as raises_alert
    from findings

    union all

    select
        'twin_messages' as check_name,
        cast(coalesce(sum(twin_messages), 0) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast(null as float64) as fail_at,
        'messages' as unit,
        'data' as owner,
        'message_findings' as detail_table,
        'stand under more than one row_id' as measures,
        'the same message (page, minute and text alike) stands under several row_ids and counts several times'
            as problem,
        'have the export give one row for each message; message_findings has the dates' as next_step,
        true as raises_alert
    from findings

    union all

    select
        'active_locks' as check_name,
        cast(count(*) as float64) as figure,
        cast({{ var('active_locks_warning') }} as float64) as warn_at,
        cast({{ var('active_locks_critical') }} as float64) as fail_at,
        'locks' as unit,
        'platform' as owner,
        'caption_lock_summary' as detail_table,
        'are active' as measures,
        'more captions are locked than schedules can need' as problem,
        'see analyses/locks_per_creator.sql; are sweeps running, and who locks days far ahead?' as next_step,
        false as raises_alert
    from assignments
    where is_active

    union all

    select
        'lock_sweep' as check_name,
        cast(coalesce(max(total_locks_cleaned), 0) as float64) as figure,
        cast({{ var('sweep_warning_locks') }} as float64) as warn_at,
        cast(null as float64) as fail_at,
        'locks' as unit,
        'platform' as owner,
        'lock_sweep_log' as detail_table,
        'were released by the largest sweep of the last 24 hours' as measures,
        'one sweep released very many locks: sweeps before it were missed' as problem,
        'see `eros runs --job sweep` for a gap' as next_step,
        false as raises_alert
    from sweeps
    where {{ hours_between('sweep_time', moment) }} <= 24

    union all

    select
        'job_run' as check_name,
        cast(count(case when job_status = 'FAILED' then 1 end) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast(1 as float64) as fail_at,
        'jobs' as unit,
        'platform' as owner,
        'etl_job_runs' as detail_table,
        'whose newest run of the last 7 days failed' as measures,
        'the newest run of a job failed' as problem,
        '`eros runs`, then `eros runs show ID`: what failed, why, and the command that repeats it' as next_step,
        false as raises_alert
    from recent_runs
    where recency = 1

    union all

    select
        'circuit_breaker' as check_name,
        cast(coalesce(max(creators_failed), 0) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast({{ var('circuit_breaker_threshold') }} as float64) as fail_at,
        'creators' as unit,
        'content' as owner,
        'creator_processing_errors' as detail_table,
        'were left out by the newest daily run' as measures,
        'creators cannot be scheduled' as problem,
        'mend what creator_processing_errors says of each, then `eros run daily`' as next_step,
        false as raises_alert
    from recent_runs
    where recency_by_check = 1 and creators_failed is not null and job_name in ('daily', 'build')

    union all

    select
        'running_runs' as check_name,
        coalesce({{ hours_between('min(job_start_time)', moment) }}, 0) as figure,
        cast({{ var('stale_run_hours') }} as float64) as warn_at,
        cast({{ var('stale_run_hours') }} as float64) as fail_at,
        'hours' as unit,
        'platform' as owner,
        'etl_job_runs' as detail_table,
        'since the oldest run that is RUNNING began' as measures,
        'a run has been RUNNING for {{ var("stale_run_hours") }} hours: it hangs, or it died' as problem,
        'stop its process if there is one; the next run closes its row' as next_step,
        true as raises_alert
    from job_runs
    where job_status = 'RUNNING'

    union all

    select
        'unacknowledged_alerts' as check_name,
        cast(count(*) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast(null as float64) as fail_at,
        'alerts' as unit,
        'platform' as owner,
        'automation_alerts' as detail_table,
        'are CRITICAL and nobody has taken them' as measures,
        'critical alerts wait for somebody' as problem,
        '`eros alerts`, and `eros alerts ack ID` for what you take' as next_step,
        false as raises_alert
    from alerts
    where alert_level = 'CRITICAL' and not coalesce(acknowledged, false)

    union all

    select
        'alert_delivery' as check_name,
        cast(count(*) as float64) as figure,
        cast(0 as float64) as warn_at,
        cast(null as float64) as fail_at,
        'alerts' as unit,
        'platform' as owner,
        'alert_deliveries' as detail_table,
        'of the last 3 days could not be delivered' as measures,
        'the webhook or the mail server refuses alerts' as problem,
        'see error_message in alert_deliveries, mend EROS_ALERT_… or EROS_SMTP_…, then `eros alerts check`'
            as next_step,
        false as raises_alert
    from undelivered

),

judged as (

    select
        *,
        case
            when figure is null or figure >= fail_at then 'FAIL'
            when figure > warn_at then 'WARN'
            else 'PASS'
        end as check_status
    from measured

),

{# An alert is an incident, not an observation: as long as it is open, and for a while after somebody
    took it, the same finding raises no other. One that recovered and came back is a new one. #}
known_alerts as (

    select
        alert_source,
        max(case when alert_level = 'CRITICAL' then 2 else 1 end) as severity
    from alerts
    where {{ is_known_alert(moment) }}
    group by alert_source

),

final as (

    select
        judged.check_name,
        judged.check_status,
        judged.figure,
        judged.warn_at,
        judged.fail_at,
        judged.unit,
        judged.owner,
        judged.detail_table,
        case when judged.check_status = 'PASS' then judged.measures else judged.problem end as message,
        judged.next_step,
        case
            when not judged.raises_alert then null
            when judged.check_status = 'FAIL' and coalesce(known_alerts.severity, 0) < 2 then 'CRITICAL'
            when judged.check_status = 'WARN' and known_alerts.severity is null then 'WARNING'
        end as alert_due
    from judged
    left join known_alerts on judged.check_name = known_alerts.alert_source

)

select * from final
