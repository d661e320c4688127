{#- Whether a text matches an RE2 pattern; NULL where the pattern does not compile. #}
{% macro matches_pattern(text, pattern) %}
    {{- return(adapter.dispatch('matches_pattern', 'eros')(text, pattern)) -}}
{% endmacro %}

{% macro default__matches_pattern(text, pattern) -%}
    safe.regexp_contains({{ text }}, {{ pattern }})
{%- endmacro %}

{% macro duckdb__matches_pattern(text, pattern) -%}
    try(regexp_matches({{ text }}, {{ pattern }}))
{%- endmacro %}
