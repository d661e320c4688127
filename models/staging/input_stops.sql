with

input_counts as (

    select * from {{ ref('input_reconciliation') }}

),

{# A creator whose restrictions cannot be read is left out, so those do not stop the others. #}
refused_inputs as (

    select *
    from input_counts
    where
        source_name != 'creator_caption_restrictions'
        and rows_unusable > {{ var('max_rejected_share') }} * rows_judged

),

final as (

    select
        source_name,
        cast(rows_unusable as string) || ' of ' || cast(rows_judged as string) || ' rows of ' || source_name
        || ' cannot be used, more than {{ var("max_rejected_share") * 100 }} %' as reason,
        'have them mended where the table is made, see rejected_rows, then repeat the run' as next_step
    from refused_inputs

)

select * from final
