{#- Others read this table by position: a column added, removed, renamed or moved shows here, in the
    table that really stands in the database. -#}
{%- set expected = [
    'caption_id', 'page_name', 'successes', 'failures', 'total_observations', 'total_revenue',
    'avg_conversion_rate', 'avg_emv', 'last_emv_observed', 'confidence_lower_bound',
    'confidence_upper_bound', 'exploration_score', 'last_used', 'last_updated', 'performance_percentile'
] %}
{%- set columns = adapter.get_columns_in_relation(ref('caption_bandit_stats')) if execute else [] %}
{%- set found = columns | map(attribute='name') | map('lower') | list %}
select
    {{ text_literal(found | join(', ')) }} as found_columns,
    {{ text_literal(expected | join(', ')) }} as expected_columns
from (select count(*) as row_count from {{ ref('caption_bandit_stats') }}) as always_one_row
where {{ 'false' if found == expected else 'true' }}
