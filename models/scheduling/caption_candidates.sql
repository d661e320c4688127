{#- Beside what the page has sent: its best by rank, of the first of the tier, and some by chance. #}
{%- set best_captions = 100 %}
{%- set ranked_captions = captions_ranked_for_all() %}
{%- set chance_captions = 20 %}
{%- set policy = caption_policy() %}

with

captions as (

    select * from {{ ref('schedulable_captions') }}

),

page_groups as (

    select * from {{ ref('page_caption_groups') }}
    where not is_restricted and not is_over_budget

),

tier_pools as (

    select * from {{ ref('page_tier_pools') }}

),

exclusions as (

    select * from {{ ref('caption_exclusions') }}

),

soft_matches as (

    select * from {{ ref('restriction_matches') }}
    where is_soft

),

cell_beliefs as (

    select * from {{ ref('cell_beliefs') }}

),

{# So far down the ranks that enough captions are left that the page may send. #}
near_the_top as (

    select
        tier_pools.page_name,
        captions.caption_id,
        captions.bank_rank
    from tier_pools
    inner join captions on tier_pools.price_tier = captions.price_tier
    {%- if policy == 'pooled' %}
    where captions.bank_rank <= tier_pools.rank_limit
    {%- endif %}

),

seen as (

    select distinct
        page_name,
        caption_id
    from cell_beliefs

),

chance as (

    select draw_number
    from {{ integer_series(1, chance_captions, 'draw_number') }}

),

chance_ranks as (

    select
        tier_pools.page_name,
        tier_pools.price_tier,
        chance.draw_number,
        1 + cast(floor(
            {{ function_name('uniform_draw') }}(
                '{{ execution_date_value().isoformat() }}|' || tier_pools.page_name || '|' || tier_pools.price_tier
                || '|' || cast(chance.draw_number as string)
            ) * tier_pools.tier_size
        ) as int64) as bank_rank
    from tier_pools
    cross join chance

),

found as (

    select
        page_name,
        caption_id,
        false as is_chosen,
        cast(null as int64) as draw_number
    from near_the_top

    union all

    select
        page_name,
        caption_id,
        true as is_chosen,
        cast(null as int64) as draw_number
    from seen

    union all

    select
        chance_ranks.page_name,
        captions.caption_id,
        true as is_chosen,
        chance_ranks.draw_number
    from chance_ranks
    inner join captions
        on
            chance_ranks.price_tier = captions.price_tier
            and chance_ranks.bank_rank = captions.bank_rank

),

distinct_pairs as (

    select
        page_name,
        caption_id,
        max(case when is_chosen then 1 else 0 end) = 1 as is_chosen,
        min(draw_number) as chance_draw
    from found
    group by page_name, caption_id

),

allowed as (

    select
        distinct_pairs.page_name,
        distinct_pairs.caption_id,
        distinct_pairs.is_chosen,
        distinct_pairs.chance_draw,
        captions.price_tier,
        captions.bank_rank,
        page_groups.is_needed,
        page_groups.diversity,
        page_groups.budget_penalty
    from distinct_pairs
    inner join captions on distinct_pairs.caption_id = captions.caption_id
    inner join page_groups
        on
            distinct_pairs.page_name = page_groups.page_name
            and captions.caption_group = page_groups.caption_group
    left join exclusions
        on
            distinct_pairs.page_name = exclusions.page_name
            and distinct_pairs.caption_id = exclusions.caption_id
    where exclusions.page_name is null

),

ranked as (

    select
        *,
        row_number() over (partition by page_name, price_tier order by bank_rank asc) as page_rank
    from allowed

),

final as (

    select
        ranked.page_name,
        ranked.caption_id,
        ranked.price_tier,
        ranked.is_needed,
        ranked.diversity,
        ranked.budget_penalty,
        ranked.chance_draw,
        soft_matches.caption_id is not null as is_soft_restricted,
        {#- The next in rank stand in where a quota would be left. #}
        {% if policy == 'pooled' -%}
        not ranked.is_chosen
        and (ranked.page_rank > {{ best_captions }} or ranked.bank_rank > {{ ranked_captions }}) as is_stand_in
        {%- else -%}
        false as is_stand_in
        {%- endif %}
    from ranked
    left join soft_matches
        on
            ranked.page_name = soft_matches.page_name
            and ranked.caption_id = soft_matches.caption_id

)

select * from final
