{{ config(materialized='view', tags=['performance', 'daily']) }}

{#- A view, so that a dashboard sees the present: a table would go on saying PASS after the runs that
    rebuild it have stopped. -#}
{%- set moment = current_moment() %}

with

run_figures as (

    select * from {{ ref('health_run_figures') }}

),

input_figures as (

    select * from {{ ref('health_input_figures') }}

),

state_figures as (

    select * from {{ ref('health_state_figures') }}

),

thresholds as (

    select * from {{ ref('health_thresholds') }}

),

rules as (

    select * from {{ ref('health_rules') }}

),

alerts as (

    select * from {{ source('operations', 'automation_alerts') }}

),

measured as (

    select
        check_name,
        figure,
        cast(null as string) as detail
    from run_figures

    union all

    select
        check_name,
        figure,
        detail
    from input_figures

    union all

    select
        check_name,
        figure,
        cast(null as string) as detail
    from state_figures

),

{# Whoever emptied the table of rules is told so by every check: what has no threshold does not pass. #}
judged as (

    select
        measured.*,
        thresholds.warn_at,
        thresholds.fail_at,
        case
            when measured.figure is null or thresholds.warn_at is null then 'FAIL'
            when measured.figure >= thresholds.fail_at then 'FAIL'
            when measured.figure > thresholds.warn_at then 'WARN'
            else 'PASS'
        end as check_status
    from measured
    left join thresholds on measured.check_name = thresholds.check_name

),

worded as (

    select
        judged.*,
        rules.unit,
        rules.owner,
        rules.detail_table,
        rules.raises_alert,
        replace(
            replace(
                case when judged.check_status = 'PASS' then rules.measures else rules.problem end,
                '{warn_at}', {{ replace_pattern('cast(judged.warn_at as string)', '[.]0$', '') }}
            ),
            '{detail}', coalesce(judged.detail, '')
        ) as message,
        replace(rules.next_step, '{detail}', coalesce(judged.detail, '')) as next_step
    from judged
    left join rules on judged.check_name = rules.check_name

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
        worded.check_name,
        worded.check_status,
        worded.figure,
        worded.warn_at,
        worded.fail_at,
        worded.unit,
        worded.owner,
        worded.detail_table,
        worded.message,
        worded.next_step,
        case
            when not worded.raises_alert then null
            when worded.check_status = 'FAIL' and coalesce(known_alerts.severity, 0) < 2 then 'CRITICAL'
            when worded.check_status = 'WARN' and known_alerts.severity is null then 'WARNING'
        end as alert_due
    from worded
    left join known_alerts on worded.check_name = known_alerts.alert_source

)

select * from final
