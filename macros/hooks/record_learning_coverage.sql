{#- Post-hook of learning_coverage: keeps its row, and notes from where the next run has to begin so that texts
    that came into the bank after their messages are learnt from. #}
{% macro record_learning_coverage() %}
    {%- if execute -%}
        {%- do run_query(
            "insert into " ~ source('operations', 'learning_log').render()
            ~ " (job_id, noted_at, measured_for, eligible_messages, matched_messages, outcomes)"
            ~ " select '" ~ invocation_id ~ "', " ~ timestamp_literal(run_started_at)
            ~ ", measured_for, eligible_messages, matched_messages, outcomes from " ~ this
        ) -%}
        {%- set since = run_query("select cast(unlearnt_since as string) from " ~ this).columns[0].values()[0] -%}
        {%- if since -%}
            {%- set noted = window_facts().now.get('messages_changed_from', '') -%}
            {%- do remember({'messages_changed_from': [noted, since | string] | reject('equalto', '') | min}) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
