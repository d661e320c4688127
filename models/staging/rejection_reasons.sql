{{ config(materialized='view') }}

with

rejected_rows as (

    select * from {{ ref('rejected_rows') }}

),

ranked as (

    select
        source_name,
        rejection_reason,
        row_key,
        raw_row,
        count(*) over (partition by source_name, rejection_reason) as row_count,
        row_number() over (
            partition by source_name, rejection_reason
            order by row_key asc, raw_row asc
        ) as row_rank
    from rejected_rows

),

final as (

    select
        source_name,
        rejection_reason,
        {#- The reasons that mend themselves: the day comes, or the others of the reading are mended. #}
        rejection_reason not in ('sending_time is in the future', '{{ refused_reason() }}') as is_fault,
        row_count,
        row_key as example_row_key,
        raw_row as example_row
    from ranked
    where row_rank = 1

)

select * from final
