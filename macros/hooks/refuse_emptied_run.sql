{#- on-run-start, before anything is changed: `--empty` and `--sample`, however they were asked for, would
    build every table from no rows or from some, and what was learnt and published would be gone. They are
    for a database that holds nothing of ours yet. #}
{% macro refuse_emptied_run() %}
    {%- set asked = ['--empty'] if flags.EMPTY or invocation_args_dict.get('empty') else ['--sample'] if invocation_args_dict.get('sample') else [] -%}
    {%- if execute and asked and flags.WHICH in ['build', 'run', 'seed', 'snapshot', 'retry'] -%}
        {%- for name in tables_that_last() -%}
            {%- set relation = adapter.get_relation(target.database, target.schema, name) -%}
            {%- if relation is not none -%}
                {%- set rows = run_query("select count(*) from " ~ relation).columns[0].values()[0] -%}
                {%- if rows -%}
                    {% do exceptions.raise_compiler_error(
                        asked[0] ~ " would lose what this database holds (" ~ name ~ " has " ~ rows
                        ~ " rows): leave it out, DBT_EMPTY, DBT_SAMPLE and their DBT_ENGINE_ spellings too, or"
                        ~ " use a database without rows"
                    ) %}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{#- What no run can make anew from the inputs of today: the incremental models, and the locks. #}
{% macro tables_that_last() %}
    {%- set names = [source('operations', 'active_caption_assignments').identifier] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'incremental' -%}
        {%- do names.append(node.alias) -%}
    {%- endfor -%}
    {{ return(names | sort) }}
{% endmacro %}
