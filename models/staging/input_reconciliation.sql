with

{%- set inputs = ['mass_messages', 'caption_bank', 'captions', 'creator_caption_restrictions'] %}

unreadable_lines as (

    select source_name from {{ source('operations', 'unreadable_lines') }}

),

{# The inputs are counted once more by themselves: rows_read comes from the checked models. A line of a text file
    that is no row counts as one that was read and rejected. #}
counted as (
    {% for input in inputs %}
    select
        '{{ input }}' as source_name,
        (select count(*) from {{ source('inputs', input) }}) as rows_in_source,
        (
            select count(*)
            from unreadable_lines
            where unreadable_lines.source_name = '{{ input }}'
        ) as lines_unreadable,
        count(*) as rows_read,
        count(case when rejection_reason is null then 1 end) as rows_accepted,
        count(case when rejection_reason is not null then 1 end) as rows_rejected,
        {% if input == 'mass_messages' -%}
        count(case when rejection_reason = 'sending_time is in the future' then 1 end) as rows_not_due
        {%- else -%}
        0 as rows_not_due
        {%- endif %}
    from {{ ref(input ~ '_checked') }}
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    select
        source_name,
        rows_in_source + lines_unreadable as rows_in_source,
        rows_read + lines_unreadable as rows_read,
        rows_accepted,
        rows_rejected + lines_unreadable as rows_rejected,
        rows_not_due,
        rows_in_source - rows_read as rows_not_read
    from counted

)

select * from final
