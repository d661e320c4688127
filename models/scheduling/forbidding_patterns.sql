{{ config(tags=['performance']) }}

with

{# One that cannot be understood forbids what it says as far as it can be read. #}
restriction_rows as (

    select * from {{ ref('stg_restriction_rows') }}
    where is_in_force or fault_reason is not null

),

final as (

    select distinct
        restriction_rows.page_name,
        restriction_rows.applies_to_scope,
        pattern,
        {{ matches_pattern("''", 'pattern') }} is not null as is_valid
    from restriction_rows
    cross join {{ unnest_as('restriction_rows.hard_patterns', 'pattern') }}
    where restriction_rows.page_name is not null

)

select * from final
