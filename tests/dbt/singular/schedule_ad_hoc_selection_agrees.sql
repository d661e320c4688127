{#- select_captions_for_creator gives for one creator what the daily run chose for it. It is asked for
    the first creator by name that passed its check. #}
{%- set chosen = none -%}
{%- if execute and load_relation(ref('creator_day_plan')) is not none -%}
    {%- set found = run_query(
        'select plans.page_name, plans.behavioral_segment, plans.num_budget, plans.num_mid, plans.num_premium,'
        ~ ' plans.num_bump from ' ~ ref('creator_day_plan') ~ ' as plans inner join ' ~ ref('creator_checks')
        ~ " as checks on plans.page_name = checks.page_name where checks.check_status = 'ok'"
        ~ ' order by plans.page_name limit 1'
    ).rows -%}
    {%- set chosen = found[0] if found else none -%}
{%- endif -%}

{%- if chosen is none %}
select selected.page_name
from {{ ref('selected_captions') }} as selected
inner join {{ ref('caption_scores') }} as scores on selected.page_name = scores.page_name
where false
{%- else %}
with

daily as (

    select
        caption_id,
        price_tier,
        tier_rank,
        selection_rank,
        score
    from {{ ref('selected_captions') }}
    where page_name = {{ text_literal(chosen[0]) }}

),

ad_hoc as (

    select
        caption_id,
        price_tier,
        tier_rank,
        selection_rank,
        score
    from {{ function_name('select_captions_for_creator') }}(
        {{ text_literal(chosen[0]) }}, {{ text_literal(chosen[1]) }},
        {{ chosen[2] | int }}, {{ chosen[3] | int }}, {{ chosen[4] | int }}, {{ chosen[5] | int }}
    )

)

select
    daily.caption_id as daily_caption_id,
    ad_hoc.caption_id as ad_hoc_caption_id
from daily
full outer join ad_hoc on daily.selection_rank = ad_hoc.selection_rank
where
    daily.caption_id is distinct from ad_hoc.caption_id
    or daily.price_tier is distinct from ad_hoc.price_tier
    or daily.tier_rank is distinct from ad_hoc.tier_rank
    or daily.score is distinct from ad_hoc.score
{%- endif %}
-- depends_on: {{ ref('caption_scores') }} {{ ref('creator_day_plan') }} {{ ref('creator_checks') }}
