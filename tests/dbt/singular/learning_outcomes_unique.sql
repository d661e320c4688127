{{ config(tags=['performance']) }}

{#- A message is counted once: no row_id stands twice in the dates that a run re-evaluates. The
    whole table has a unique test that only a plain build runs. -#}
select
    row_id,
    count(*) as row_count
from {{ ref('message_outcomes') }}
where sending_date >= {{ execution_date(-var('message_lookback_days')) }}
group by row_id
having count(*) > 1
