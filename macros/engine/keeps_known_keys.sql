{#- Whether a caption that stood in this table with the very same text, keyed by today's rule, keeps its key. On
    DuckDB normalising texts is what a run costs, and few of them change. BigQuery does it in no time, and would
    have to read the table that it is about to replace. A full refresh keys all of them. #}
{% macro keeps_known_keys(relation) %}
    {{- return(adapter.dispatch('keeps_known_keys', 'eros')(relation)) -}}
{% endmacro %}

{% macro default__keeps_known_keys(relation) %}
    {{- return(false) -}}
{% endmacro %}

{% macro duckdb__keeps_known_keys(relation) %}
    {{- return(
        relation is not none and not flags.FULL_REFRESH and 'caption_key_rule' in present_columns(relation)
    ) -}}
{% endmacro %}
