{#- on-run-start, DuckDB only: runs append to the log beside the file and never write into the file itself, in
    the middle of which they might be killed. `eros` puts the log into the file, see
    eros_dbt_runner/writing.py; checkpoint_threshold is in profiles.yml. #}
{% macro write_log_only() %}
    {%- if execute -%}
        {%- do adapter.dispatch('write_log_only', 'eros')() -%}
    {%- endif -%}
{% endmacro %}

{% macro default__write_log_only() %}
{% endmacro %}

{% macro duckdb__write_log_only() %}
    {%- do run_query("pragma disable_checkpoint_on_shutdown") -%}
{% endmacro %}
