{#- The rows of mass_messages_checked that the newest reading is judged by: those of the dates that it
    evaluated and those without a date. What is not due at as_of says nothing of the input. #}
{% macro is_judged() -%}
    is_in_input
    and (sending_date is null or sending_date >= {{ messages_read_from() }})
    and (sending_time is null or sending_time <= {{ as_of() }})
{%- endmacro %}


{#- An aggregate over judged rows: whether so many of them are unusable that none is taken. A line of a text
    file that is no row is one of them. #}
{% macro is_refused() -%}
    {%- set lines = unreadable_messages() | int -%}
    coalesce(
        count(case when {{ is_unusable() }} then 1 end) + {{ lines }}
        > {{ var('max_rejected_share') }} * (count(*) + {{ lines }}),
        false
    )
{%- endmacro %}


{#- How many lines of mass_messages are no rows; the hook that has read them ran before any model. #}
{% macro unreadable_messages() -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {{ run_query(
            "select count(*) from " ~ api.Relation.create(target.database, target.schema, 'unreadable_lines')
            ~ " where source_name = 'mass_messages'"
        ).columns[0].values()[0] }}
    {%- else -%}
        0
    {%- endif -%}
{%- endmacro %}


{% macro is_unusable() -%}
    rejection_reason is not null and rejection_reason != '{{ refused_reason() }}'
{%- endmacro %}


{#- What is said of the usable rows of a reading that was refused. #}
{% macro refused_reason() -%}
    too many rows of this reading cannot be used, so none was taken
{%- endmacro %}


{#- The first date that the newest reading of mass_messages evaluated, as a SQL date literal. #}
{% macro messages_read_from() -%}
    date '{{ window_facts().now.get('messages_read_from', '1970-01-01') }}'
{%- endmacro %}
