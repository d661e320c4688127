{#- For which day each table of the plan was built. Most of them have no date of their own, and tables
    of two days must not meet in one plan: a run of a part builds on what earlier runs have left. #}
{% macro planned_dates() %}
    {%- set known = remembered('planned_dates') -%}
    {{ return(fromjson(known) if known else {}) }}
{% endmacro %}


{#- A model of the plan that a run is about to build is of no day until it has succeeded: also when the
    run is killed. #}
{% macro begin_plan() %}
    {%- set building = plan_models(selected_resources) -%}
    {%- set kept = {} -%}
    {%- for name, day in planned_dates().items() if name not in building -%}
        {%- do kept.update({name: day}) -%}
    {%- endfor -%}
    {%- if building -%}
        {%- do remember({'planned_dates': tojson(kept, sort_keys=true)}) -%}
    {%- endif -%}
{% endmacro %}


{% macro end_plan(results) %}
    {%- set built = plan_models(results | selectattr('status', 'equalto', 'success') | map(attribute='node.unique_id') | list) -%}
    {%- if built -%}
        {%- set known = planned_dates() -%}
        {%- for name in built -%}
            {%- do known.update({name: execution_date_value().isoformat()}) -%}
        {%- endfor -%}
        {%- do remember({'planned_dates': tojson(known, sort_keys=true)}) -%}
    {%- endif -%}
{% endmacro %}


{% macro plan_models(unique_ids) %}
    {%- set names = [] -%}
    {%- for unique_id in unique_ids if unique_id.startswith('model.') and graph.nodes[unique_id].fqn[1] == 'scheduling' -%}
        {%- do names.append(graph.nodes[unique_id].name) -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}


{#- on-run-start: a run of a part of the plan goes on with the plan of its own day or not at all. #}
{% macro require_one_day() %}
    {%- set read = tables_read_from_before() -%}
    {%- set today = execution_date_value().isoformat() -%}
    {%- set known = planned_dates() if read else {} -%}
    {%- set others = [] -%}
    {%- for name in read | unique | sort if known.get(name) != today -%}
        {%- do others.append(name ~ ' is of ' ~ known.get(name, 'no known day')) -%}
    {%- endfor -%}
    {%- if others -%}
        {% do exceptions.raise_compiler_error(
            "this run is for " ~ today ~ " and would go on with a plan that is not: " ~ others[:3] | join(", ")
            ~ (" and " ~ (others | length - 3) ~ " more" if others | length > 3 else "")
            ~ ". Nothing was changed; run `eros run daily`, or `dbt build --selector daily`, which plans the day anew"
        ) %}
    {%- endif -%}
{% endmacro %}


{#- The models of the plan that this run reads and does not build. A `dbt retry` does not tell its hooks
    what it selects: it goes on with whatever an unfinished plan has. #}
{% macro tables_read_from_before() %}
    {%- set plan = graph.nodes.values()
        | selectattr('resource_type', 'equalto', 'model') | selectattr('fqn.1', 'equalto', 'scheduling') | list -%}
    {%- set read = [] -%}
    {%- if selected_resources -%}
        {%- for node in plan if node.unique_id in selected_resources -%}
            {%- for parent in plan
                if parent.unique_id in node.depends_on.nodes and parent.unique_id not in selected_resources
                and parent.config.materialized != 'incremental' -%}
                {%- do read.append(parent.name) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- elif job_name() not in ['performance', 'sweep'] -%}
        {%- set known = planned_dates() -%}
        {%- if plan | map(attribute='name') | reject('in', known) | list -%}
            {%- do read.extend(known) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(read) }}
{% endmacro %}
