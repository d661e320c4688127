{#- What the project has to remember from run to run, beside its tables: see project_state. What is not known
    is ''. #}
{% macro remembered(fact) %}
    {{ return(known_facts().get(fact, '')) }}
{% endmacro %}


{#- The newest value of each fact. #}
{% macro known_facts() %}
    {%- set facts = {} -%}
    {%- if has_project_state() -%}
        {%- for row in run_query(newest_values()).rows -%}
            {%- do facts.update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(facts) }}
{% endmacro %}


{% macro newest_values() -%}
    select
        fact,
        {{ latest_value('value', 'noted_at', 'job_id') }} as value
    from {{ api.Relation.create(target.database, target.schema, 'project_state') }}
    group by fact
{%- endmacro %}


{#- Notes the values of `facts` that are not known as such already, all of them at once. #}
{% macro remember(facts) %}
    {%- if execute and facts -%}
        {%- set given = [] -%}
        {%- for fact, value in facts.items() -%}
            {%- do given.append('select ' ~ text_literal(fact) ~ ' as fact, ' ~ text_literal(value) ~ ' as value') -%}
        {%- endfor -%}
        {%- do run_query(
            "insert into " ~ api.Relation.create(target.database, target.schema, 'project_state')
            ~ " (fact, value, noted_at, job_id) select given.fact, given.value, "
            ~ timestamp_literal(modules.datetime.datetime.now(modules.pytz.utc)) ~ ", '" ~ invocation_id ~ "'"
            ~ " from (" ~ given | join(' union all ') ~ ") as given"
            ~ " left join (" ~ newest_values() ~ ") as known on given.fact = known.fact"
            ~ " where coalesce(known.value, '') != given.value"
        ) -%}
    {%- endif -%}
{% endmacro %}


{#- Whether there is a project_state to ask. What a run's own first hook has made, dbt does not know of yet. #}
{% macro has_project_state() %}
    {{ return(execute and (
        flags.WHICH in ['build', 'run']
        or adapter.get_relation(target.database, target.schema, 'project_state') is not none
    )) }}
{% endmacro %}
