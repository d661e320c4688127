{#- What `dbt source freshness` asks of a source, in dbt's place: the newest of its times that is not in the future, read
    as the models read it, whatever type the column has. #}
{% macro default__collect_freshness(source, loaded_at_field, filter) %}
    {%- call statement('collect_freshness', fetch_result=true, auto_begin=false) -%}
        select
            max({{ read_time(loaded_at_field) }}) as max_loaded_at,
            {{ current_moment() }} as snapshotted_at
        from {{ source }}
        where
            {{ read_time(loaded_at_field) }} <= {{ current_moment() }}
            {%- if filter %} and ({{ filter }}){% endif %}
    {%- endcall -%}
    {{ return(load_result('collect_freshness')) }}
{% endmacro %}
