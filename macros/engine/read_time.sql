{#- The moment, in UTC, that a value of an input column means: a text in ISO 8601 with an offset, Z, UTC, GMT or
    nothing (UTC), or a column of a type of time. NULL for anything else: both engines read more than that, such as
    a year of two digits as one of the first century, or BST as the time of Bangladesh. #}
{% macro read_time(column) %}
    {{- return(adapter.dispatch('read_time', 'eros')(column)) -}}
{% endmacro %}

{% macro default__read_time(column) -%}
    {%- set text = 'upper(trim(cast(' ~ column ~ ' as string)))' -%}
    case
        when regexp_contains({{ text }}, r'^{{ iso_time() }}$')
            then safe_cast(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            regexp_replace({{ text }}, r'\s*(Z|UTC|GMT)$', '+00'), r'\s+([+-])', r'\1'
                        ),
                        r'([T ]\d{1,2}:\d{2})([+-].*)?$',
                        r'\1:00\2'
                    ),
                    r'(\.\d{6})\d+',
                    r'\1'
                ) as timestamp
            )
    end
{%- endmacro %}

{#- A column of a type of time is not taken through a text; DuckDB decides that once, not for each row. #}
{% macro duckdb__read_time(column) -%}
    {%- set text = 'upper(trim(cast(' ~ column ~ ' as varchar)))' -%}
    timezone('UTC', case
        when typeof({{ column }}) != 'VARCHAR' then try_cast({{ column }} as timestamptz)
        when regexp_full_match({{ text }}, '\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:\d\d)?)?')
            then try_cast({{ text }} as timestamptz)
        when regexp_full_match({{ text }}, '{{ iso_time() }}')
            then try_cast(
                regexp_replace(
                    regexp_replace(
                        regexp_replace({{ text }}, '\s*(Z|UTC|GMT)$', '+00'), '\s+([+-])', '\1'
                    ),
                    '([T ]\d{1,2}:\d{2})([+-].*)?$',
                    '\1:00\2'
                ) as timestamptz
            )
    end)
{%- endmacro %}


{% macro iso_time() -%}
    \d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|UTC|GMT|[+-]\d{2}(:?\d{2})?)?)?
{%- endmacro %}
