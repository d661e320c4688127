with

{%- set inputs = ['mass_messages', 'caption_bank', 'captions', 'creator_caption_restrictions'] %}

{#- A message that the input no longer holds is known and was not read. One that is not due is no message
    yet, whatever else is wrong with it. #}
mass_messages_rows as (

    select
        rejection_reason is null and sending_time <= {{ as_of() }} as is_accepted,
        coalesce(sending_time > {{ as_of() }}, false) as is_not_due,
        {{ is_judged() }} as is_judged,
        {{ is_unusable() }} as is_unusable
    from {{ ref('mass_messages_checked') }}
    where is_in_input

),
{% for input in inputs[1:] %}
{{ input }}_rows as (

    select
        rejection_reason is null as is_accepted,
        false as is_not_due,
        true as is_judged,
        rejection_reason is not null as is_unusable
    from {{ ref(input ~ '_checked') }}

),
{% endfor %}
{#- The inputs are counted once more by themselves: rows_read comes from the checked models. #}
counted as (
    {% for input in inputs %}
    select
        '{{ input }}' as source_name,
        (select count(*) from {{ source('inputs', input) }}) as rows_in_source,
        count(*) as rows_read,
        count(case when is_accepted then 1 end) as rows_accepted,
        count(case when not is_accepted then 1 end) as rows_rejected,
        count(case when is_not_due then 1 end) as rows_not_due,
        count(case when is_judged then 1 end) as rows_judged,
        count(case when is_judged and is_unusable then 1 end) as rows_unusable
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
        rows_unusable
    from counted

)

select * from final
