{#- A lock that was swept more than 7 days after its day is STALE_7DAY, up to 7 days PAST_SEND_DATE, and
    none is swept on its own day or before. #}
-- depends_on: {{ ref('caption_lock_summary') }}
select
    page_name,
    caption_id,
    scheduled_send_date,
    deactivated_at,
    deactivation_reason
from {{ source('operations', 'active_caption_assignments') }}
where
    deactivation_reason in ('STALE_7DAY', 'PAST_SEND_DATE')
    and deactivation_reason is distinct from case
        when {{ add_days('scheduled_send_date', 7) }} < {{ local_date('deactivated_at') }} then 'STALE_7DAY'
        when scheduled_send_date < {{ local_date('deactivated_at') }} then 'PAST_SEND_DATE'
    end
