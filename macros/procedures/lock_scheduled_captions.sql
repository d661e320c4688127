{#- Post-hook of schedule_recommendations: locks what the schedules use. A merge on assignment_key, so
    that locking twice is locking once; it covers the day's schedules whole, and those of the day before,
    and so mends a run that died between publishing and locking. Other days are not this run's. #}
{% macro lock_scheduled_captions() -%}
    merge into {{ source('operations', 'active_caption_assignments').render() }} as locks
    using (
        select
            page_name,
            caption_id,
            caption_text,
            {{ local_date('created_at') }} as assigned_date,
            schedule_date as scheduled_send_date,
            send_hour as scheduled_send_hour,
            price_tier,
            created_at as assigned_at,
            {{ hex_sha256(
                "page_name || '|' || cast(caption_id as string) || '|' || cast(schedule_date as string)"
                ~ " || '|' || cast(send_hour as string)"
            ) }} as assignment_key,
            schedule_id
        from {{ this }}
        where
            is_active
            and schedule_date between {{ execution_date(-1) }} and {{ execution_date() }}
            {#- A schedule of the set-up before this one has no hour, and its own locks. #}
            and send_hour is not null
    ) as used
        on
            locks.assignment_key = used.assignment_key
            and locks.scheduled_send_date between {{ execution_date(-1) }} and {{ execution_date() }}
    when not matched then insert (
        page_name, caption_id, caption_text, assigned_date, scheduled_send_date, scheduled_send_hour,
        price_tier, is_active, assigned_at, assignment_key, schedule_id
    )
    values (
        used.page_name, used.caption_id, used.caption_text, used.assigned_date,
        used.scheduled_send_date, used.scheduled_send_hour, used.price_tier, true, used.assigned_at,
        used.assignment_key, used.schedule_id
    )
{%- endmacro %}
