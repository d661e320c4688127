{{ config(tags=['daily']) }}

{#- The guard itself is in schedule_recommendations; this says so where tests are read. -#}
select
    stop_name,
    reason,
    next_step,
    reason || '. Next: ' || next_step as problem
from {{ ref('publication_stops') }}
