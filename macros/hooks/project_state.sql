{#- What the project has to remember from run to run, beside its tables: see project_state. #}
{% macro remembered(fact) %}
    {%- if not has_project_state() -%}
        {{ return('') }}
    {%- endif -%}
    {%- set values = run_query(
        "select value from " ~ api.Relation.create(target.database, target.schema, 'project_state')
        ~ " where fact = " ~ text_literal(fact) ~ " order by noted_at desc limit 1"
    ).columns[0].values() -%}
    {{ return(values[0] if values else '') }}
{% endmacro %}


{% macro remember(fact, value) %}
    {%- if execute and remembered(fact) != value | string -%}
        {%- do run_query(
            "insert into " ~ api.Relation.create(target.database, target.schema, 'project_state')
            ~ " (fact, value, noted_at, job_id) values (" ~ text_literal(fact) ~ ", " ~ text_literal(value)
            ~ ", " ~ timestamp_literal(modules.datetime.datetime.now(modules.pytz.utc)) ~ ", '" ~ invocation_id ~ "')"
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
