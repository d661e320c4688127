{#- Tables and views on DuckDB: dbt-duckdb's own materializations, with the swap in the statement that builds.

    They rename what is there, rename what is new, and drop the old one after the commit: nine statements
    where three do, and most of a small run is statements. DuckDB can replace a view, and drop and rename in
    the transaction that fills the new table, so nobody ever sees neither of the two. Foreign keys, indexes and
    Python models, which dbt-duckdb's versions see to, are not used here. -#}
{% materialization table, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='table') -%}
    {%- set new_relation = make_intermediate_relation(target_relation) -%}
    {{- run_hooks(pre_hooks, inside_transaction=False) -}}
    {{- run_hooks(pre_hooks, inside_transaction=True) -}}
    {%- do drop_what_is_in_the_way('table') -%}
    {%- call statement('main') -%}
        {{ create_table_as(False, new_relation, compiled_code, 'sql') }};
        drop table if exists {{ target_relation }};
        alter table {{ new_relation }} rename to {{ adapter.quote(target_relation.identifier) }}
    {%- endcall -%}
    {{- run_hooks(post_hooks, inside_transaction=True) -}}
    {%- do adapter.commit() -%}
    {{- run_hooks(post_hooks, inside_transaction=False) -}}
    {{- return({'relations': [target_relation]}) -}}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {%- set target_relation = this.incorporate(type='view') -%}
    {{- run_hooks(pre_hooks, inside_transaction=False) -}}
    {{- run_hooks(pre_hooks, inside_transaction=True) -}}
    {%- do drop_what_is_in_the_way('view') -%}
    {%- call statement('main') -%}
        {{ get_create_view_as_sql(target_relation, sql) }}
    {%- endcall -%}
    {{- run_hooks(post_hooks, inside_transaction=True) -}}
    {%- do adapter.commit() -%}
    {{- run_hooks(post_hooks, inside_transaction=False) -}}
    {{- return({'relations': [target_relation]}) -}}
{% endmaterialization %}


{#- What a killed build of an older version left under a name of its own, and a relation of the other kind: in
    the transaction that builds the new one, so that a build that fails leaves the old one where it was. #}
{% macro drop_what_is_in_the_way(kind) %}
    {%- set existing = load_cached_relation(this) -%}
    {%- for relation in [
        load_cached_relation(make_intermediate_relation(this)),
        load_cached_relation(make_backup_relation(this, kind)),
        existing if existing is not none and existing.type != kind else none,
    ] if relation is not none -%}
        {%- do adapter.ensure_transaction() -%}
        {%- do adapter.drop_relation(relation) -%}
    {%- endfor -%}
{% endmacro %}


{#- dbt-duckdb's own, for a view that is replaced and goes by any name of the file. #}
{% macro duckdb__create_view_as(relation, sql) -%}
    {{- return(
        dbt.duckdb__create_view_as(relation, without_catalogue(sql))
        | replace('create view', 'create or replace view', 1)
    ) -}}
{%- endmacro %}


{#- dbt-bigquery's own refuses to put a view where a table is. What a model says it was once is derived from other
    tables and can go. #}
{% macro bigquery__handle_existing_table(full_refresh, old_relation) -%}
    {{- return(dbt.bigquery__handle_existing_table(
        full_refresh or config.get('meta', {}).get('was_a_table', false), old_relation
    )) -}}
{%- endmacro %}
