{#- For adopting a dataset that the hand-deployed set-up has used (docs/bigquery.md):

        dbt run-operation list_old_routines --target bigquery
        dbt run-operation drop_old_routine --args '{name: update_caption_performance}' --target bigquery

    Nothing is ever dropped unless it is named. #}
{% macro list_old_routines() %}
    {%- set found = old_routines() -%}
    {%- for routine in found -%}
        {%- do log(routine.type ~ ' ' ~ routine.name, info=true) -%}
    {%- endfor -%}
    {%- do log(found | length ~ ' routines of the old set-up in ' ~ target.schema, info=true) -%}
{% endmacro %}


{% macro drop_old_routine(name) %}
    {%- set found = old_routines() | selectattr('name', 'equalto', name) | list -%}
    {%- if not found -%}
        {% do exceptions.raise_compiler_error(
            "there is no routine of the old set-up called '" ~ name ~ "': list_old_routines shows what there is"
        ) %}
    {%- endif -%}
    {%- set kind = 'procedure' if 'PROCEDURE' in found[0].type
        else 'table function' if 'TABLE' in found[0].type else 'function' -%}
    {%- do run_query('drop ' ~ kind ~ ' ' ~ function_name(name)) -%}
    {%- do log('dropped ' ~ kind ~ ' ' ~ name, info=true) -%}
{% endmacro %}


{#- The dataset's routines that this project does not deploy. A procedure is always an old one, also
    under the name of a function of ours, which cannot be made before it is gone. #}
{% macro old_routines() %}
    {%- if target.type != 'bigquery' -%}
        {% do exceptions.raise_compiler_error("only a BigQuery dataset has routines of the old set-up") %}
    {%- endif -%}
    {%- set ours = [
        'caption_key', 'caption_key_v2', 'wilson_score_bounds', 'wilson_sample', 'wilson_draw',
        'uniform_draw', 'select_captions_for_creator'
    ] -%}
    {%- set found = [] -%}
    {%- for row in run_query(
        'select routine_name, routine_type from `' ~ target.database ~ '`.`' ~ target.schema
        ~ '`.INFORMATION_SCHEMA.ROUTINES order by routine_name'
    ).rows -%}
        {%- if row[0] not in ours or 'PROCEDURE' in row[1] -%}
            {%- do found.append({'name': row[0], 'type': row[1]}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
