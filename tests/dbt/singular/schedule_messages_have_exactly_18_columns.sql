{{ config(tags=['daily']) }}

{#- Exports and people rely on these columns in this order: one added, removed, renamed or moved shows
    here, in the table that really stands in the database. -#}
{%- set expected = [
    'schedule_id', 'page_name', 'day_of_week', 'scheduled_send_time', 'message_type', 'caption_id',
    'caption_text', 'price_tier', 'content_category', 'has_urgency', 'performance_score',
    'confidence_lower_bound', 'confidence_upper_bound', 'total_observations', 'caption_last_updated',
    'schedule_created_at', 'schedule_is_active', 'time_slot_rank',
] %}
{%- set columns = adapter.get_columns_in_relation(ref('schedule_recommendations_messages')) if execute else [] %}
{%- set found = columns | map(attribute='name') | map('lower') | list %}
select
    {{ text_literal(found | join(', ')) }} as found_columns,
    {{ text_literal(expected | join(', ')) }} as expected_columns
from (
    select count(*) as row_count
    from {{ ref('schedule_recommendations_messages') }}
    where false
) as one_row
where {{ 'false' if found == expected else 'true' }}
