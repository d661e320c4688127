{#- Why a run that was to publish could not, as publication_stops says it and as the dates of the plan
    do; nothing for any other run. #}
{% macro publication_stop_reasons(results) %}
    {%- set built = results | selectattr('status', 'equalto', 'success') | map(attribute='node.name') | list -%}
    {%- set stops = adapter.get_relation(target.database, target.schema, 'publication_stops') -%}
    {%- set plan = adapter.get_relation(target.database, target.schema, 'creator_day_plan') -%}
    {%- set publishing = ['creator_checks', 'publication_stops', 'schedule_recommendations', 'schedule_recommendations_messages'] -%}
    {%- if stops is none or plan is none or not built | select('in', publishing) | list -%}
        {{ return([]) }}
    {%- endif -%}
    {%- set found = [] -%}
    {%- for row in run_query(
        "select stop_name, reason, next_step from " ~ stops
        ~ " union all select 'plan_of_another_day', 'creator_day_plan is of ' || cast(max(schedule_date) as string)"
        ~ " || ', this run is for ' || cast(" ~ execution_date() ~ " as string), '`eros run daily`, which plans the day anew'"
        ~ " from " ~ plan ~ " having max(schedule_date) != " ~ execution_date() ~ " order by 1, 2"
    ).rows -%}
        {%- do found.append({'name': row[0], 'text': 'nothing was published: ' ~ row[1] ~ '; next: ' ~ row[2]}) -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
