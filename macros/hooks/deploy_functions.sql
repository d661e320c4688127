{#- on-run-start: (re)creates the project's functions. Together they cost a few milliseconds on
    DuckDB. #}
{% macro deploy_functions() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot', 'run-operation'] -%}
        {%- for statement in [
            deploy_caption_key_v2(),
            deploy_caption_key(),
            deploy_wilson_score_bounds(),
            deploy_wilson_sample(),
            deploy_wilson_draw(),
            deploy_uniform_draw(),
        ] -%}
            {%- do run_query(statement) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
