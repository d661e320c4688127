{{
    config(
        materialized='incremental',
        incremental_strategy='merge',
        unique_key='page_name',
        full_refresh=false
    )
}}

{#- Before there was this table, the restrictions of the last run stood in the table that is built next. -#}
{%- set older = adapter.get_relation(target.database, target.schema, 'stg_creator_caption_restrictions') %}

with

restriction_rows as (

    select * from {{ ref('stg_restriction_rows') }}
    where page_name is not null

),

{# One that cannot be understood may restrict. #}
present as (

    select
        page_name,
        max(case when is_restricting and (is_in_force or fault_reason is not null) then 1 else 0 end) = 1
            as is_restricted
    from restriction_rows
    group by page_name

),

remembered as (
    {%- if is_incremental() %}

    select
        page_name,
        is_restricted
    from {{ this }}
    {%- elif older is not none and execute %}

    select distinct
        page_name,
        true as is_restricted
    from {{ older }}
    where
        {% for list in ['hard_patterns', 'soft_patterns', 'restricted_categories', 'restricted_price_tiers'] -%}
        {{ 'or ' if not loop.first }}coalesce(array_length({{ list }}), 0) > 0
        {% endfor %}
    {%- else %}

    select
        page_name,
        is_restricted
    from present
    where false
    {%- endif %}

),

final as (

    select
        coalesce(present.page_name, remembered.page_name) as page_name,
        coalesce(present.is_restricted, remembered.is_restricted) as is_restricted,
        present.page_name is null as is_missing
    from present
    full outer join remembered on present.page_name = remembered.page_name

)

select * from final
