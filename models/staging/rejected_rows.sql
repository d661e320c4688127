with

unreadable_lines as (

    select
        source_name,
        file_name,
        line_number,
        line_text,
        reason
    from {{ source('operations', 'unreadable_lines') }}

),

{%- set inputs = ['mass_messages', 'caption_bank', 'captions', 'creator_caption_restrictions'] %}

final as (
    {% for input in inputs %}
    select
        '{{ input }}' as source_name,
        row_key,
        {% if input == 'mass_messages' -%}
        {#- Nothing is wrong with a row that is not due yet; its time will come. #}
        case
            when sending_time > {{ as_of() }}
                then {{ join_texts(["'sending_time is in the future'", 'rejection_reason']) }}
            else rejection_reason
        end as rejection_reason,
        {%- else -%}
        rejection_reason,
        {%- endif %}
        raw_row
    from {{ ref(input ~ '_checked') }}
    where
        rejection_reason is not null
        {%- if input == 'mass_messages' %}
        or (is_in_input and sending_time > {{ as_of() }})
        {%- endif %}

    union all
    {% endfor %}
    select
        source_name,
        file_name || ':' || cast(line_number as string) as row_key,
        reason as rejection_reason,
        {{ row_as_json('unreadable_lines') }} as raw_row
    from unreadable_lines

)

select * from final
