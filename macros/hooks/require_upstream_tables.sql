{#- on-run-start: a selection whose inputs nobody has built yet is told so in a sentence, before
    anything runs; a daily run needs a performance run before it. #}
{% macro require_upstream_tables() %}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- set missing = [] -%}
        {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
            {%- for parent_id in graph.nodes[unique_id].depends_on.nodes
                if parent_id not in selected_resources and parent_id in graph.nodes -%}
                {%- set parent = graph.nodes[parent_id] -%}
                {%- if adapter.get_relation(parent.database, parent.schema, parent.alias) is none -%}
                    {%- do missing.append(parent.alias) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- if missing -%}
            {% do exceptions.raise_compiler_error(
                "not built yet: " ~ missing | unique | sort | join(", ")
                ~ ". Run `eros run performance` first, or a plain `dbt build`"
            ) %}
        {%- endif -%}
        {%- do require_one_day() -%}
    {%- endif -%}
{% endmacro %}
