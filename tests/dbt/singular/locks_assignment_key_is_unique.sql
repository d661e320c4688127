{{ config(tags=['sweep', 'daily']) }}

{#- An assignment stands once, however often it was locked. #}
-- depends_on: {{ ref('caption_lock_summary') }} {{ ref('schedule_recommendations_messages') }}
select
    assignment_key,
    count(*) as row_count
from {{ source('operations', 'active_caption_assignments') }}
where scheduled_send_date >= {{ execution_date(-1) }}
group by assignment_key
having count(*) > 1 or assignment_key is null
