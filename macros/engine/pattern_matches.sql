{#- Which captions match which patterns: one row per (pattern, caption_id) that match. `patterns`
    and `captions` are the CTEs to read; `pattern_model` is the built model behind the first.

    DuckDB compiles a pattern that comes from a column again for every row (25 µs each, measured)
    but a literal only once; there the distinct patterns are listed first and rendered as literals.
    Where they cannot be listed (a compile without a database, a unit test) the plain join serves. #}
{% macro pattern_matches(pattern_model, patterns, captions) %}
    {{- return(adapter.dispatch('pattern_matches', 'eros')(pattern_model, patterns, captions)) -}}
{% endmacro %}

{% macro default__pattern_matches(pattern_model, patterns, captions) -%}
    select
        distinct_patterns.pattern,
        {{ captions }}.caption_id
    from (select distinct pattern from {{ patterns }}) as distinct_patterns
    inner join {{ captions }} on {{ matches_pattern(captions ~ '.caption_text', 'distinct_patterns.pattern') }}
{%- endmacro %}

{% macro duckdb__pattern_matches(pattern_model, patterns, captions) -%}
    {%- if not execute or pattern_model.is_cte or load_relation(pattern_model) is none -%}
        {{ return(eros.default__pattern_matches(pattern_model, patterns, captions)) }}
    {%- endif -%}
    {%- set literals = run_query(
        "select distinct pattern from " ~ pattern_model ~ " where is_valid order by pattern"
    ).columns[0].values() -%}
    {%- for pattern in literals %}
    select
        {{ text_literal(pattern) }} as pattern,
        caption_id
    from {{ captions }}
    where regexp_matches(caption_text, {{ text_literal(pattern) }})
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as varchar) as pattern,
        caption_id
    from {{ captions }}
    where false
    {%- endfor %}
{%- endmacro %}
