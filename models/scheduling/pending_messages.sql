{{ config(tags=['performance']) }}

{#- Read past dbt's graph: what was published by earlier runs is looked at before anything is published. -#}
{%- set published = adapter.get_relation(target.database, target.schema, 'schedule_recommendations') if execute %}
{%- set columns = adapter.get_columns_in_relation(published) | map(attribute='name') | list if published else [] %}

with

{% if published -%}
published as (

    select * from {{ published }}
    where
        is_active
        and scheduled_send_time > {{ as_of() }}
        and schedule_date >= {{ execution_date(-1) }}

),

{# In the replay of a moment, what a run of that very moment published has gone out since. #}
gone_out as (

    select distinct published.created_at
    from (
        select distinct created_at from published
        where scheduled_send_time <= {{ timestamp_literal(run_started_at) }}
    ) as published
    inner join {{ source('operations', 'etl_job_runs') }} as job_runs
        on abs({{ hours_between('job_runs.job_start_time', 'published.created_at') }}) < 1

),

final as (

    select
        published.schedule_id,
        published.time_slot_rank,
        {{ clean_text('published.page_name') }} as page_name,
        published.scheduled_send_time,
        published.caption_id,
        published.caption_text,
        published.price_tier,
        {#- A table of the set-up before this one has no category. #}
        {{ 'published.content_category' if 'content_category' in columns or not columns else 'cast(null as string)' }}
            as content_category
    from published
    left join gone_out
        on
            published.created_at = gone_out.created_at
            and published.scheduled_send_time <= {{ timestamp_literal(run_started_at) }}
    where gone_out.created_at is null

)
{%- else -%}
final as (

    select
        cast(null as string) as schedule_id,
        cast(null as int64) as time_slot_rank,
        cast(null as string) as page_name,
        cast(null as timestamp) as scheduled_send_time,
        cast(null as int64) as caption_id,
        cast(null as string) as caption_text,
        cast(null as string) as price_tier,
        cast(null as string) as content_category
    from (select 1 as nothing) as no_table
    where nothing = 0

)
{%- endif %}

select * from final
