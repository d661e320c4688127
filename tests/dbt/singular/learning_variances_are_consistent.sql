{#- Each quantity has its row of variances, each positive, the parts add up to the whole, and the caption's part
    leaves something to the pair. -#}
with

judged as (

    select
        count(*) as row_count,
        count(case
            when
                message_variance >= 0.01e0
                and weighting_variance >= 0.002e0
                and total_variance >= 0.002e0
                and caption_variance >= 0.001e0
                and caption_variance <= 0.95e0 * total_variance
                and abs(caption_variance + pair_variance - total_variance) <= 1e-12 * total_variance
                then 1
        end) as consistent_count
    from {{ ref('belief_variances') }}

)

{#- `dbt build --empty` shows every test tables without rows. #}
select *
from judged
where (row_count != 2 or consistent_count != 2) and row_count >= {{ 1 if flags.EMPTY else 0 }}
