{#- True for a number that is neither NaN nor infinite. #}
{% macro is_finite(expression) %}
    {{- return(adapter.dispatch('is_finite', 'eros')(expression)) -}}
{% endmacro %}

{% macro default__is_finite(expression) -%}
    (not is_nan({{ expression }}) and not is_inf({{ expression }}))
{%- endmacro %}

{% macro duckdb__is_finite(expression) -%}
    isfinite({{ expression }})
{%- endmacro %}
