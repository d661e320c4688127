{#- The moment at which a query runs, for views that show the present. Nothing that a run decides or
    stores may use it: that has as_of. #}
{% macro current_moment() %}
    {{- return(adapter.dispatch('current_moment', 'eros')()) -}}
{% endmacro %}

{% macro default__current_moment() -%}
    current_timestamp()
{%- endmacro %}

{% macro duckdb__current_moment() -%}
    timezone('UTC', now())
{%- endmacro %}
