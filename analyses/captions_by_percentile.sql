{#- For whoever writes captions: how the captions of each page spread over the quarters of its
    performance percentile, and what each quarter earned.

        dbt show --select captions_by_percentile --limit 500
-#}
with

stats as (

    select * from {{ ref('caption_bandit_stats') }}

),

quartered as (

    select
        *,
        case
            when performance_percentile >= 75 then 'top quarter'
            when performance_percentile >= 50 then 'second quarter'
            when performance_percentile >= 25 then 'third quarter'
            else 'last quarter'
        end as quarter,
        case
            when performance_percentile >= 75 then 1
            when performance_percentile >= 50 then 2
            when performance_percentile >= 25 then 3
            else 4
        end as quarter_rank
    from stats

),

final as (

    select
        page_name,
        quarter_rank,
        quarter,
        count(*) as captions,
        sum(total_observations) as messages,
        avg(avg_emv) as mean_emv,
        sum(total_revenue) as revenue
    from quartered
    group by page_name, quarter_rank, quarter

)

select * from final
order by page_name asc, quarter_rank asc
