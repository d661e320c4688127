{#- Post-hook of caption_bandit_stats: a pair whose last outcome left the window leaves the table,
    which a merge cannot do. #}
{% macro forget_pairs_without_outcomes() -%}
    delete from {{ this }} as stats
    where not exists (
        select 1
        from {{ ref('caption_outcome_totals') }} as totals
        where totals.page_name = stats.page_name and totals.caption_id = stats.caption_id
    )
{%- endmacro %}
