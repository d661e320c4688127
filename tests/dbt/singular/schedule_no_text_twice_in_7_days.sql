{{ config(tags=['daily']) }}

{#- No text of the day's schedules stands on the same page within `caption_reuse_days` of it again,
    under whatever id. Swept or not, an assignment counts unless it was cancelled; one that somebody
    made after the schedule was published is not the schedule's fault. #}
with

assignments as (

    select
        {{ clean_text('page_name') }} as page_name,
        caption_id,
        caption_text,
        scheduled_send_date,
        schedule_id,
        assigned_at,
        assignment_key
    from {{ source('operations', 'active_caption_assignments') }}
    where
        scheduled_send_date between {{ execution_date(-var('caption_reuse_days')) }}
        and {{ execution_date(var('caption_reuse_days')) }}
        and not (
            is_active is distinct from true
            and coalesce({{ clean_text('deactivation_reason') }}, '') like 'cancel%'
        )

),

caption_bank as (

    select * from {{ ref('stg_caption_bank') }}

),

texts as (

    select
        caption_text,
        {{ function_name('caption_key_v2') }}(caption_text) as caption_key
    from (
        select distinct caption_text
        from assignments
        where caption_text is not null
    ) as distinct_texts

),

keyed as (

    select
        assignments.*,
        coalesce(texts.caption_key, caption_bank.caption_key) as caption_key
    from assignments
    left join texts on assignments.caption_text = texts.caption_text
    left join caption_bank on assignments.caption_id = caption_bank.caption_id

),

todays_schedules as (

    select distinct schedule_id
    from {{ ref('schedule_recommendations') }}
    where schedule_date = {{ execution_date() }}

)

select
    scheduled.page_name,
    scheduled.caption_id,
    scheduled.caption_text,
    other.scheduled_send_date as other_send_date,
    other.caption_id as other_caption_id
from keyed as scheduled
inner join todays_schedules on scheduled.schedule_id = todays_schedules.schedule_id
inner join keyed as other
    on
        scheduled.page_name = other.page_name
        and scheduled.caption_key = other.caption_key
        and scheduled.assignment_key is distinct from other.assignment_key
where
    scheduled.scheduled_send_date = {{ execution_date() }}
    and coalesce(other.assigned_at <= scheduled.assigned_at, true)
