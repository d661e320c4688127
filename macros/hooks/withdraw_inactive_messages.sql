{#- Post-hook of schedule_recommendations_messages: a recommendation that a person deactivated has no
    message any more. #}
{% macro withdraw_inactive_messages() -%}
    delete from {{ this }} as messages
    where exists (
        select 1
        from {{ ref('schedule_recommendations') }} as recommendations
        where
            recommendations.schedule_id = messages.schedule_id
            and recommendations.time_slot_rank = messages.time_slot_rank
            and not recommendations.is_active
    )
{%- endmacro %}
