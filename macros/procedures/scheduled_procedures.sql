{#- run-operations under the names that the set-up before this one had for its procedures. What they did is a graph
    of models now, which no operation can build: each says which command does it, and fails, so that a scheduler
    that still calls it hears of it. Whatever arguments it gives are taken. #}
{% macro update_caption_performance() %}
    {%- set taken = kwargs -%}
    {%- do raise_built_by('update_caption_performance', 'performance') -%}
{% endmacro %}


{% macro run_daily_automation() %}
    {%- set taken = kwargs -%}
    {%- do raise_built_by('run_daily_automation', 'daily') -%}
{% endmacro %}


{% macro raise_built_by(procedure, schedule) %}
    {%- if execute -%}
        {% do exceptions.raise_compiler_error(
            procedure ~ " is done by `dbt build --selector " ~ schedule ~ "` or `eros run " ~ schedule
            ~ "`: it builds models, which an operation cannot; nothing was done"
        ) %}
    {%- endif -%}
{% endmacro %}
