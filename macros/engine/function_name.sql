{#- The name by which a deployed function is called. #}
{% macro function_name(name) %}
    {{- return(adapter.dispatch('function_name', 'eros')(name)) -}}
{% endmacro %}

{% macro default__function_name(name) %}
    {{- return('`' ~ target.database ~ '.' ~ target.schema ~ '.' ~ name ~ '`') -}}
{% endmacro %}

{% macro duckdb__function_name(name) %}
    {{- return(target.schema ~ '.' ~ name) -}}
{% endmacro %}
