{{ config(tags=['sweep', 'daily']) }}

-- The sweep leaves no active lock whose day has passed.
-- depends_on: {{ ref('caption_lock_summary') }}
select
    page_name,
    caption_id,
    scheduled_send_date
from {{ source('operations', 'active_caption_assignments') }}
where is_active and scheduled_send_date < {{ execution_date() }}
