{%- set inputs = ['mass_messages', 'caption_bank', 'captions', 'creator_caption_restrictions'] %}

with

unreadable_lines as (

    select source_name from {{ source('operations', 'unreadable_lines') }}

),

{# A message that the input no longer holds is known and was not read. One that is not due is no message
    yet, whatever else is wrong with it. #}
mass_messages_rows as (

    select
        is_in_input,
        is_in_input and rejection_reason is null and sending_time <= {{ as_of() }} as is_accepted,
        is_in_input and coalesce(sending_time > {{ as_of() }}, false) as is_not_due,
        {{ is_judged() }} as is_judged,
        {{ is_unusable() }} as is_unusable
    from {{ ref('mass_messages_checked') }}

    union all

    select
        true as is_in_input,
        false as is_accepted,
        false as is_not_due,
        true as is_judged,
        true as is_unusable
    from unreadable_lines
    where source_name = 'mass_messages'

),
{% for input in inputs[1:] %}
{{ input }}_rows as (

    select
        true as is_in_input,
        rejection_reason is null as is_accepted,
        false as is_not_due,
        true as is_judged,
        rejection_reason is not null as is_unusable
    from {{ ref(input ~ '_checked') }}

    union all

    select
        true as is_in_input,
        false as is_accepted,
        false as is_not_due,
        true as is_judged,
        true as is_unusable
    from unreadable_lines
    where source_name = '{{ input }}'

),
{% endfor %}
{#- The inputs are counted once more by themselves: rows_read comes from the models. A line of a text file that is
    no row counts as one that was read and rejected. #}
counted as (
    {% for input in inputs %}
    select
        '{{ input }}' as source_name,
        (select count(*) from {{ source('inputs', input) }})
        + (
            select count(*) from unreadable_lines
            where unreadable_lines.source_name = '{{ input }}'
        ) as rows_in_source,
        count(case when is_in_input then 1 end) as rows_read,
        count(case when is_accepted then 1 end) as rows_accepted,
        count(case when is_in_input and not is_accepted then 1 end) as rows_rejected,
        count(case when is_not_due then 1 end) as rows_not_due,
        count(case when is_judged then 1 end) as rows_judged,
        count(case when is_judged and is_unusable then 1 end) as rows_unusable,
        count(case when not is_in_input then 1 end) as rows_kept
    from {{ input }}_rows
    {%- if not loop.last %}

    union all
    {% endif %}
    {%- endfor %}

),

final as (

    select
        source_name,
        rows_in_source,
        rows_read,
        rows_accepted,
        rows_rejected,
        rows_not_due,
        rows_in_source - rows_read as rows_not_read,
        rows_judged,
        rows_unusable,
        rows_kept
    from counted

)

select * from final
