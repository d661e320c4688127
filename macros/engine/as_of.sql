{#- The one "now" of a run. Environment variables are read at execution only, so that changing
    them never costs a parse. #}
{% macro run_parameter(name) %}
    {%- set from_var = var(name, none) -%}
    {%- if from_var is not none -%}
        {{ return(from_var | string) }}
    {%- elif execute -%}
        {{ return(env_var('EROS_' ~ name | upper, '')) }}
    {%- endif -%}
    {{ return('') }}
{% endmacro %}


{% macro as_of_datetime() %}
    {%- set text = run_parameter('as_of') -%}
    {%- if text == '' and is_of_shipped_sample() -%}
        {%- set text = var('sample_as_of') -%}
    {%- endif -%}
    {%- if text == '' -%}
        {{ return(run_started_at.astimezone(modules.pytz.utc)) }}
    {%- endif -%}
    {%- set iso = text[:-1] ~ '+00:00' if text[-1:] in ['Z', 'z'] else text -%}
    {%- if not modules.re.fullmatch('\\d{4}-\\d\\d-\\d\\d([T ]\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6})?)?([+-]\\d\\d:\\d\\d)?)?', iso) -%}
        {% do exceptions.raise_compiler_error(
            "as_of must be an ISO-8601 time such as 2025-06-15T12:00:00Z, not '" ~ text ~ "'"
        ) %}
    {%- endif -%}
    {%- set moment = modules.datetime.datetime.fromisoformat(iso) -%}
    {%- if moment.tzinfo is none -%}
        {{ return(modules.pytz.utc.localize(moment)) }}
    {%- endif -%}
    {{ return(moment.astimezone(modules.pytz.utc)) }}
{% endmacro %}


{#- Whether this run works with the sample that came with the project, which ends at a day of its own: a run as
    of now would find no active creator. register_inputs has noted it. #}
{% macro is_of_shipped_sample() %}
    {%- if not execute or run_parameter('data_dir') != '' -%}
        {{ return(false) }}
    {%- endif -%}
    {{- return(adapter.dispatch('is_of_shipped_sample', 'eros')()) -}}
{% endmacro %}

{% macro default__is_of_shipped_sample() %}
    {{- return(false) -}}
{% endmacro %}

{#- The table is there in every command that runs something: a hook has made it, after dbt looked for what is. #}
{% macro duckdb__is_of_shipped_sample() %}
    {%- if flags.WHICH not in ['build', 'run', 'seed', 'test', 'snapshot', 'run-operation'] -%}
        {{ return(remembered('is_shipped_sample') == 'True') }}
    {%- endif -%}
    {%- set noted = run_query(
        "select coalesce(max_by(value, noted_at), '') from " ~ target.schema
        ~ ".project_state where fact = 'is_shipped_sample'"
    ).columns[0].values()[0] -%}
    {{ return(noted == 'True') }}
{% endmacro %}


{#- as_of as a SQL literal, so that BigQuery prunes partitions and every query of a run agrees. #}
{% macro as_of(minus_days=0, minus_hours=0) %}
    {%- set moment = as_of_datetime() - modules.datetime.timedelta(days=minus_days, hours=minus_hours) -%}
    {{ timestamp_literal(moment) }}
{%- endmacro %}


{#- The local date of as_of, as a Python date. #}
{% macro execution_date_value() %}
    {{ return(as_of_datetime().astimezone(modules.pytz.timezone(var('timezone'))).date()) }}
{% endmacro %}


{#- The time of as_of on the agency's wall clock, as people write it. #}
{% macro planning_time() -%}
    {{ as_of_datetime().astimezone(modules.pytz.timezone(var('timezone'))).strftime('%H:%M') }}
{%- endmacro %}


{#- The local date of as_of as a SQL literal, moved by whole days. #}
{% macro execution_date(plus_days=0) %}
    {%- set day = execution_date_value() + modules.datetime.timedelta(days=plus_days) -%}
    date '{{ day.isoformat() }}'
{%- endmacro %}
