{{ config(tags=['sweep', 'daily']) }}

{#- The sweep leaves no active lock whose day has passed. Like the other tests of the locks it stands at
    the end of a daily run: it can fail the run and holds nothing back. #}
-- depends_on: {{ ref('caption_lock_summary') }} {{ ref('schedule_recommendations_messages') }}
select
    page_name,
    caption_id,
    scheduled_send_date
from {{ source('operations', 'active_caption_assignments') }}
where is_active and scheduled_send_date < {{ sweep_date() }}
