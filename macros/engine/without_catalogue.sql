{#- SQL that is stored in the database, of a view or a function, without the catalogue's name: on DuckDB that is
    the name of the file, and the file may be renamed, copied or linked to. #}
{% macro without_catalogue(query) %}
    {{- return(adapter.dispatch('without_catalogue', 'eros')(query)) -}}
{% endmacro %}

{% macro default__without_catalogue(query) %}
    {{- return(query) -}}
{% endmacro %}

{% macro duckdb__without_catalogue(query) %}
    {%- set schema = api.Relation.create(target.database, target.schema, 'any').without_identifier() -%}
    {{- return(query | replace(schema | string ~ '.', schema.include(database=false) | string ~ '.')) -}}
{% endmacro %}

