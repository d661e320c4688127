{#- No input's rejected rows exceed a share of the rows read. Rows after as_of are left out of both: they are
    simply not sent yet. -#}
{% test rejected_share(model, max_share) %}

with

counts as (

    select
        source_name,
        rows_rejected - rows_not_due as rows_rejected,
        rows_read - rows_not_due as rows_read,
        cast(round(1000e0 * (rows_rejected - rows_not_due) / nullif(rows_read - rows_not_due, 0)) as int64) as permille
    from {{ model }}

),

reasons as (

    select * from {{ ref('rejection_reasons') }}
    where is_fault
    qualify row_number() over (partition by source_name order by row_count desc, rejection_reason asc) = 1

)

select
    counts.source_name,
    counts.rows_rejected,
    counts.rows_read,
    cast(counts.rows_rejected as string) || ' of ' || cast(counts.rows_read as string) || ' rows of '
    || counts.source_name || ' cannot be used ('
    || cast(cast(floor(counts.permille / 10) as int64) as string) || '.'
    || cast(mod(counts.permille, 10) as string) || ' %)'
    || coalesce(
        ', mostly: ' || reasons.rejection_reason || ' (' || cast(reasons.row_count as string)
        || case when reasons.row_count = 1 then ' row' else ' rows' end
        || coalesce(', for example ' || reasons.example_row_key, '') || ')',
        ''
    ) || '; `eros rejected` shows all reasons' as problem
from counts
left join reasons on counts.source_name = reasons.source_name
where counts.rows_rejected > {{ max_share }} * counts.rows_read

{% endtest %}
