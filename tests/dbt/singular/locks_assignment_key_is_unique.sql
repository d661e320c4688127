{{ config(tags=['sweep', 'daily']) }}

-- An assignment stands once, however often it was locked. It looks at the last day of a daily run, so
-- that it can fail the run and hold back nothing.
-- depends_on: {{ ref('caption_lock_summary') }} {{ ref('schedule_recommendations_messages') }}
select
    assignment_key,
    count(*) as row_count
from {{ source('operations', 'active_caption_assignments') }}
where scheduled_send_date >= {{ execution_date(-1) }}
group by assignment_key
having count(*) > 1 or assignment_key is null
