{#- A fresh random number in [0, 1). #}
{% macro random_uniform() %}
    {{- return(adapter.dispatch('random_uniform', 'eros')()) -}}
{% endmacro %}

{% macro default__random_uniform() -%}
    rand()
{%- endmacro %}

{% macro duckdb__random_uniform() -%}
    random()
{%- endmacro %}
