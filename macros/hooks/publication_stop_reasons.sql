{#- Why a run that was to publish could not, as publication_stops says it; nothing for any other run. #}
{% macro publication_stop_reasons(results) %}
    {%- set names = results | map(attribute='node') | map(attribute='name') | list -%}
    {%- set stops = adapter.get_relation(target.database, target.schema, 'publication_stops') -%}
    {%- if stops is none or ('publication_stops' not in names and 'schedule_recommendations' not in names) -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return(run_query(
        "select 'nothing was published: ' || reason || ': ' || next_step from " ~ stops ~ " order by 1"
    ).columns[0].values() | list) }}
{% endmacro %}
