{#- on-run-start: opens this run's row in etl_job_runs, after closing the rows of runs that died. #}
{% macro open_job_run() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry'] -%}
        {%- do run_query(raise_dead_run_alerts()) -%}
        {%- do run_query(close_dead_runs()) -%}
        {%- do begin_plan() -%}
        {%- set statement -%}
            insert into {{ source('operations', 'etl_job_runs').render() }} (
                job_id, job_name, job_start_time, job_status, execution_date
            )
            values (
                '{{ invocation_id }}', {{ text_literal(job_name()) }}, {{ timestamp_literal(run_started_at) }},
                'RUNNING', {{ execution_date() }}
            )
        {%- endset -%}
        {%- do run_query(statement) -%}
    {%- endif -%}
{% endmacro %}


{#- The schedule's name: from the runner, else the selector of the command, else "build", or "build_part"
    where only some of it was asked for: that is no success of any schedule. #}
{% macro job_name() %}
    {%- set given = env_var('EROS_JOB_NAME', '') or invocation_args_dict.get('selector') -%}
    {%- set is_part = invocation_args_dict.get('select') or invocation_args_dict.get('exclude') -%}
    {{ return(given or flags.WHICH ~ ('_part' if is_part else '')) }}
{% endmacro %}


{% macro close_dead_runs() -%}
    update {{ source('operations', 'etl_job_runs').render() }}
    set
        job_status = 'FAILED',
        job_end_time = {{ timestamp_literal(run_started_at) }},
        error_message = 'the run died without closing its row; found by run {{ invocation_id }}'
    where job_status = 'RUNNING' and job_id != '{{ invocation_id }}' and {{ is_dead_run() }}
{%- endmacro %}


{#- A run that was killed could raise no alert itself. `eros` raises the same one where it closes the
    row, under the same id. #}
{% macro raise_dead_run_alerts() -%}
    insert into {{ source('operations', 'automation_alerts').render() }} (
        alert_id, alert_time, alert_level, alert_source, alert_message, job_id, acknowledged
    )
    select
        {{ hex_sha256("job_id || '|job_run'") }},
        {{ timestamp_literal(run_started_at) }},
        'CRITICAL',
        'job_run',
        job_name || ' failed: the run died without closing its row',
        job_id,
        false
    from {{ source('operations', 'etl_job_runs') }}
    where job_status = 'RUNNING' and job_id != '{{ invocation_id }}' and {{ is_dead_run() }}
{%- endmacro %}


{#- on-run-end: the row's true status. A failed model or test fails the run; creators that were left
    out make it COMPLETED_WITH_ERRORS, none to schedule COMPLETED_NO_WORK. #}
{% macro close_job_run(results) %}
    {%- if execute and flags.WHICH in ['build', 'run', 'retry'] -%}
        {%- set stops = publication_stop_reasons(results) -%}
        {%- set words = record_findings(results) -%}
        {%- set failures = stops | map(attribute='text') | list -%}
        {%- set skipped = [] -%}
        {%- set checked = [] -%}
        {%- set swept = [] -%}
        {%- for result in results -%}
            {%- if result.status in ['error', 'fail', 'runtime error'] -%}
                {%- if not stops or result.node.name not in ['circuit_breaker', 'nothing_stops_publication'] -%}
                    {%- do failures.append(result.node.name ~ ': ' ~ words[result.node.unique_id]) -%}
                {%- endif -%}
            {%- elif result.status == 'skipped' -%}
                {%- do skipped.append(result.node.name) -%}
            {%- elif result.node.name == 'creator_checks' -%}
                {%- do checked.append(result.node.relation_name) -%}
            {%- elif result.node.name == 'caption_lock_summary' -%}
                {%- do swept.append(result.execution_time) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if swept -%}
            {%- do run_query(log_sweep_duration(swept[0])) -%}
        {%- endif -%}
        {%- set creators = count_creators(checked[0]) if checked else {'processed': none, 'failed': none} -%}
        {%- set unguarded = guards_not_run(results) -%}
        {%- if unguarded and not failures and not skipped -%}
            {%- do failures.append('expected but not run: ' ~ unguarded | join(', ') | truncate(300)) -%}
        {%- endif -%}
        {%- set is_breaker_open = (creators.failed or 0) >= var('circuit_breaker_threshold') or 'circuit_breaker' in stops | map(attribute='name') -%}
        {%- set is_too_late = creators.processed and not stops and not failures and is_day_over() -%}
        {%- if failures or skipped or is_breaker_open -%}
            {%- set status = 'FAILED' -%}
        {%- elif is_too_late or creators.processed == 0 and creators.failed == 0 -%}
            {%- set status = 'COMPLETED_NO_WORK' -%}
        {%- elif creators.failed -%}
            {%- set status = 'COMPLETED_WITH_ERRORS' -%}
        {%- else -%}
            {%- set status = 'SUCCESS' -%}
        {%- endif -%}
        {%- set message = (failures or (['skipped: ' ~ skipped | join(', ')] if skipped else [])) | join('; ') -%}
        {%- if creators.failed and not failures -%}
            {%- set message = creators.failed ~ ' creators left out, see creator_processing_errors' -%}
        {%- elif is_too_late -%}
            {%- set message = 'no hour is left on ' ~ execution_date_value() ~ ' for any of the messages planned, see schedule_shortfalls' -%}
        {%- endif -%}
        {%- do run_query(finish_job_run(status, creators, message)) -%}
        {%- do raise_run_alert(status, creators, message, is_breaker_open) -%}
        {%- do end_plan(results) -%}
        {%- if status == 'FAILED' and not (results | rejectattr('status', 'in', ['success', 'pass', 'warn', 'no-op']) | list) -%}
            {#- No node failed: only this makes the command fail. -#}
            {% do exceptions.raise_compiler_error(message) %}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- The tests that a schedule enforces have its tag. An option or a variable that leaves them out of a build of
    the schedule makes the run no success. A plain build of less than everything is what somebody asked for. #}
{% macro guards_not_run(results) %}
    {%- set schedule = invocation_args_dict.get('selector') -%}
    {%- set is_part = invocation_args_dict.get('select') or invocation_args_dict.get('exclude') -%}
    {%- set missing = [] -%}
    {#- `dbt retry` gives the options of the run that it goes on with, and does its unfinished part. -#}
    {%- set is_retry = 'retry' in (invocation_args_dict.get('invocation_command') or '').split() -%}
    {%- if flags.WHICH == 'build' and schedule and not is_part and not is_retry -%}
        {%- set ran = results | map(attribute='node') | map(attribute='unique_id') | list -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'test' -%}
            {%- if schedule in node.tags and node.unique_id not in ran -%}
                {%- do missing.append(node.name) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(missing | sort) }}
{% endmacro %}


{#- Whether the plan wants messages, none is published and none could go out any more. #}
{% macro is_day_over() %}
    {%- set plan = adapter.get_relation(target.database, target.schema, 'creator_day_plan') -%}
    {%- set schedule = adapter.get_relation(target.database, target.schema, 'schedule_recommendations') -%}
    {%- if plan is none or schedule is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query(
        "select sum(ppv_count + bump_count) > 0 and sum(message_count) = 0 and not exists (select 1 from "
        ~ schedule ~ " where schedule_date = " ~ execution_date() ~ ") from " ~ plan
    ).columns[0].values()[0]) }}
{% endmacro %}


{% macro count_creators(checks) %}
    {%- set counts = run_query(
        "select count(case when check_status = 'ok' then 1 end), count(case when check_status = 'failed' then 1 end) from " ~ checks
    ).rows[0] -%}
    {{ return({'processed': counts[0] | int, 'failed': counts[1] | int}) }}
{% endmacro %}


{% macro finish_job_run(status, creators, message) -%}
    {%- set now = modules.datetime.datetime.now(modules.pytz.utc) -%}
    update {{ source('operations', 'etl_job_runs').render() }}
    set
        job_status = '{{ status }}',
        job_end_time = {{ timestamp_literal(now) }},
        job_duration_seconds = {{ (now - run_started_at).total_seconds() }},
        creators_processed = {{ 'null' if creators.processed is none else creators.processed }},
        creators_failed = {{ 'null' if creators.failed is none else creators.failed }},
        error_message = {{ text_literal(message) if message else 'null' }}
    where job_id = '{{ invocation_id }}'
{%- endmacro %}


{% macro log_sweep_duration(seconds) -%}
    update {{ source('operations', 'lock_sweep_log').render() }}
    set sweep_duration_seconds = {{ seconds }}
    where sweep_id = '{{ invocation_id }}'
{%- endmacro %}


{#- A failed run is CRITICAL, creators left out a WARNING. The source is the check of health_checks that
    passes again when it is mended. #}
{% macro raise_run_alert(status, creators, message, is_breaker_open) %}
    {%- if status in ['FAILED', 'COMPLETED_WITH_ERRORS'] -%}
        {%- set text -%}
            {%- if is_breaker_open -%}
                the circuit breaker is open: {{ message }}
            {%- else -%}
                {{ job_name() }} {{ 'failed' if status == 'FAILED' else 'completed with errors' }}: {{ message }}
            {%- endif -%}
        {%- endset -%}
        {%- set statement -%}
            insert into {{ source('operations', 'automation_alerts').render() }} (
                alert_id, alert_time, alert_level, alert_source, alert_message, job_id, acknowledged
            )
            select
                {{ hex_sha256("'" ~ invocation_id ~ "|job_run'") }},
                {{ timestamp_literal(run_started_at) }},
                '{{ 'CRITICAL' if status == 'FAILED' else 'WARNING' }}',
                '{{ 'circuit_breaker' if is_breaker_open or status != 'FAILED' else 'job_run' }}',
                {{ text_literal(text) }},
                '{{ invocation_id }}',
                false
        {%- endset -%}
        {%- do run_query(statement) -%}
    {%- endif -%}
{% endmacro %}
