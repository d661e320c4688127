with

captions as (

    select * from {{ ref('stg_caption_bank') }}

),

first_scores as (

    select * from {{ ref('first_caption_scores') }}

),

scored as (

    select
        captions.caption_id,
        captions.usage_status in ('available', 'moderate_recency')
        and captions.price_tier in ('budget', 'mid', 'premium') as is_yardstick,
        first_scores.first_score,
        first_scores.first_seen_at
    from captions
    inner join first_scores
        on
            captions.caption_id = first_scores.caption_id
            and {{ hex_md5('captions.caption_text') }} = first_scores.text_digest

),

{# Scores on another scale than 0 to 1 are taken by their rank; equal ones share the middle of theirs. #}
shares as (

    select
        *,
        case
            when min(first_score) over () >= 0e0 and max(first_score) over () <= 1e0 then first_score
            else (
                rank() over (order by first_score asc)
                + count(*) over () - rank() over (order by first_score desc)
            ) / (2e0 * count(*) over ())
        end as score_share
    from scored

),

logits as (

    select
        *,
        greatest(-4e0, least(4e0, case
            when score_share <= 0e0 then -4e0
            when score_share >= 1e0 then 4e0
            else ln(score_share / (1e0 - score_share))
        end)) as logit
    from shares

),

mean_logit as (

    select
        {{ exact_sum('case when is_yardstick then logit end') }}
        / nullif(count(case when is_yardstick then 1 end), 0) as logit
    from logits

),

final as (

    select
        logits.caption_id,
        logits.first_seen_at,
        logits.logit - coalesce(mean_logit.logit, 0e0) as score_logit
    from logits
    cross join mean_logit

)

select * from final
