{{ config(tags=['daily']) }}

{#- Exports and people rely on these columns in this order; a row comes back for each that is not in
    its place. -#}
{%- set expected = [
    'schedule_id', 'page_name', 'day_of_week', 'scheduled_send_time', 'message_type', 'caption_id',
    'caption_text', 'price_tier', 'content_category', 'has_urgency', 'performance_score',
    'confidence_lower_bound', 'confidence_upper_bound', 'total_observations', 'caption_last_updated',
    'schedule_created_at', 'schedule_is_active', 'time_slot_rank',
] -%}
{%- set messages = ref('schedule_recommendations_messages') -%}
{%- set found = [] -%}
{%- if execute -%}
    {%- for column in adapter.get_columns_in_relation(messages) -%}
        {%- do found.append(column.name | lower) -%}
    {%- endfor -%}
{%- endif -%}

select
    column_position,
    expected_column,
    found_column
from (
    {%- for position in range([expected | length, found | length] | max) %}
    select
        {{ position + 1 }} as column_position,
        '{{ expected[position] }}' as expected_column,
        '{{ found[position] }}' as found_column
    {{ 'union all' if not loop.last }}
    {%- endfor %}
) as compared
where expected_column != found_column
