{#- Post-hook of schedule_recommendations_messages: a recommendation that a person deactivated has no
    message any more. Days that have passed long ago stay as they were sent. #}
{% macro withdraw_inactive_messages() -%}
    delete from {{ this }} as messages
    where
        messages.scheduled_send_time >= {{ as_of(minus_days=var('message_lookback_days') + 2) }}
        and exists (
            select 1
            from {{ ref('schedule_recommendations') }} as recommendations
            where
                recommendations.schedule_date >= {{ execution_date(-var('message_lookback_days') - 3) }}
                and recommendations.schedule_id = messages.schedule_id
                and recommendations.time_slot_rank = messages.time_slot_rank
                and not recommendations.is_active
        )
{%- endmacro %}
