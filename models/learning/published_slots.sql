{{ config(materialized='view') }}

{#- Read past dbt's graph: what earlier runs published is looked at before anything is published. A table that an
    older version made lacks columns until the next day is published; they are NULL. -#}
{%- set published = adapter.get_relation(target.database, target.schema, 'schedule_recommendations') if execute %}
{%- set present = adapter.get_columns_in_relation(published) | map(attribute='name') | list if published else [] %}
{%- set columns = {
    'schedule_id': 'string',
    'time_slot_rank': 'int64',
    'page_name': 'string',
    'schedule_date': 'date',
    'scheduled_send_time': 'timestamp',
    'message_type': 'string',
    'caption_id': 'int64',
    'caption_text': 'string',
    'price_tier': 'string',
    'selection_kind': 'string',
    'is_dealt_by_draw': 'bool',
    'caption_policy': 'string',
    'quantity': 'string',
    'posterior_mean': 'float64',
    'posterior_sd': 'float64',
    'message_variance': 'float64',
    'page_level': 'float64',
    'is_active': 'bool',
    'created_at': 'timestamp',
} %}
{%- set selected = [] %}
{%- for name, type in columns.items() %}
{%- set is_there = name in present or (published and not present) %}
{%- do selected.append(name if is_there else 'cast(null as ' ~ type ~ ') as ' ~ name) %}
{%- endfor %}

with

recommendations as (

    select {{ selected | join(', ') }}
    {%- if published %}
    from {{ published }}
    where schedule_date >= {{ execution_date(-89) }}
    {%- else %}
    from (select 1 as nothing) as no_table
    where nothing = 0
    {%- endif %}

),

{# What a run of this very moment publishes is not there yet, whichever of the two is built first. #}
final as (

    select
        schedule_id,
        time_slot_rank,
        {{ clean_text('page_name') }} as page_name,
        schedule_date,
        scheduled_send_time,
        message_type,
        caption_id,
        caption_text,
        price_tier,
        coalesce(selection_kind, 'chosen') as selection_kind,
        coalesce(is_dealt_by_draw, false) as is_dealt_by_draw,
        caption_policy,
        quantity,
        posterior_mean,
        posterior_sd,
        message_variance,
        page_level,
        coalesce(is_active, true) as is_active
    from recommendations
    where coalesce(created_at < {{ as_of() }}, true)

)

select * from final
