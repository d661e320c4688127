{#- Deploys select_captions_for_creator(page_name, behavioral_segment, num_budget, num_mid,
    num_premium, num_bump), a table function for one creator at a SQL prompt. It chooses by the same
    statement as the daily run, from the pool and the scores of the last daily run. #}
{% macro deploy_select_captions_for_creator() -%}
    {%- set request -%}
        (
            select
                {{ clean_text('for_page_name') }} as page_name,
                case
                    when for_behavioral_segment in ('{{ behavioral_segments() | join("', '") }}')
                        then for_behavioral_segment
                    else error('behavioral_segment is one of {{ behavioral_segments() | join(", ") }}')
                end as behavioral_segment,
                want_budget as num_budget,
                want_mid as num_mid,
                want_premium as num_premium,
                want_bump as num_bump,
                {#- Nothing that somebody asks for is left to chance. #}
                0 as chance_budget,
                0 as chance_mid,
                0 as chance_premium
        )
    {%- endset -%}
    {{ create_table_function(
        'select_captions_for_creator',
        [
            'for_page_name STRING', 'for_behavioral_segment STRING', 'want_budget INT64',
            'want_mid INT64', 'want_premium INT64', 'want_bump INT64'
        ],
        select_captions(request, this, ref('schedulable_captions'))
    ) }}
{%- endmacro %}


{#- The segments that a score knows; the rows of tier_mix. #}
{% macro behavioral_segments() %}
    {{- return(['budget', 'standard', 'premium']) -}}
{% endmacro %}


{#- run-operation: prints what the table function of this name selects, as `eros select` does. What is not given is
    taken from the page's newest plan. It publishes nothing. #}
{% macro select_captions_for_creator(page, segment=none, budget=none, mid=none, premium=none, bump=none) %}
    {%- if execute -%}
        {%- set asked = {'budget': budget, 'mid': mid, 'premium': premium, 'bump': bump} -%}
        {%- do check_selection(segment, asked) -%}
        {%- set plan = plan_of_page(page) -%}
        {%- set segment = segment or plan.behavioral_segment -%}
        {%- set numbers = [] -%}
        {%- for tier, number in asked.items() -%}
            {%- do numbers.append((plan['num_' ~ tier] if number is none else number) | int) -%}
        {%- endfor -%}
        {%- set rows = run_query(selected_rows(page, segment, numbers)) -%}
        {%- do print(
            page ~ ', segment ' ~ segment ~ ', as planned for ' ~ plan.schedule_date ~ ': selected now, not published'
        ) -%}
        {%- do rows.print_table(max_rows=none, max_columns=none, max_column_width=80) -%}
        {%- for tier in asked -%}
            {%- set found = rows.columns['tier'].values() | select('equalto', tier) | list | length -%}
            {%- if found < numbers[loop.index0] -%}
                {%- do print(
                    tier ~ ': ' ~ found ~ ' of ' ~ numbers[loop.index0] ~ ', no more captions of the tier are ranked for the page'
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro check_selection(segment, asked) %}
    {%- if segment is not none and segment not in behavioral_segments() -%}
        {% do exceptions.raise_compiler_error(
            "segment must be " ~ behavioral_segments()[:-1] | join(", ") ~ " or " ~ behavioral_segments()[-1] ~ ", not '" ~ segment ~ "'"
        ) %}
    {%- endif -%}
    {%- for tier, number in asked.items() if number is not none and (number is not integer or number < 0) -%}
        {% do exceptions.raise_compiler_error(
            tier ~ " is the number of captions wanted of that tier, 0 or more, not '" ~ number ~ "'"
        ) %}
    {%- endfor -%}
{% endmacro %}


{#- The page's plan as it is now, by the names of its columns. Stops with an error for a page that has none or is
    left out of it: nothing is ranked for it. #}
{% macro plan_of_page(page) %}
    {%- if not is_there('select_captions_for_creator') -%}
        {% do exceptions.raise_compiler_error("nothing is planned yet: run `eros run daily` first, or a plain `dbt build`") %}
    {%- endif -%}
    {%- set found = run_query(
        "select cast(plans.schedule_date as string), plans.behavioral_segment, plans.num_budget, plans.num_mid, plans.num_premium,"
        ~ " plans.num_bump, case when checks.check_status = 'failed' then checks.failure_reason end"
        ~ " from " ~ ref('creator_day_plan') ~ " as plans left join " ~ ref('creator_checks') ~ " as checks"
        ~ " on plans.page_name = checks.page_name where plans.page_name = " ~ clean_text(text_literal(page))
        ~ " order by plans.schedule_date desc limit 1"
    ).rows -%}
    {%- if not found -%}
        {% do exceptions.raise_compiler_error(
            "page '" ~ page ~ "' is not in the newest plan, which has the pages that sent a message in "
            ~ var('active_window_days') ~ " days: nothing is ranked for it"
        ) %}
    {%- elif found[0][6] -%}
        {% do exceptions.raise_compiler_error("page '" ~ page ~ "' is left out: " ~ found[0][6]) %}
    {%- endif -%}
    {{ return(dict(zip(
        ['schedule_date', 'behavioral_segment', 'num_budget', 'num_mid', 'num_premium', 'num_bump'], found[0].values()
    ))) }}
{% endmacro %}


{#- What `eros select` shows; ids as text, which are not rounded. #}
{% macro selected_rows(page, segment, numbers) -%}
    select
        cast(selected.selection_rank as string) as rank,
        price_tier as tier,
        content_category as category,
        case when has_urgency then 'yes' else '' end as urgent,
        cast(caption_id as string) as caption,
        cast(round(score, 4) as string) as score,
        caption_text as text
    from {{ function_name('select_captions_for_creator') }}(
        {{ text_literal(page) }}, {{ text_literal(segment) }}, {{ numbers | join(', ') }}
    ) as selected
    order by selected.selection_rank
{%- endmacro %}


{#- The captions that fill each request's tiers: one row per request's page and caption chosen.

    `requests` has page_name, behavioral_segment, the number wanted per tier, and how many of these chance
    picks; `scores` is caption_scores, `captions` is schedulable_captions. #}
{% macro select_captions(requests, scores, captions) -%}
    with

    requests as (

        select * from {{ requests }}

    ),

    scores as (

        select * from {{ scores }}

    ),

    captions as (

        select * from {{ captions }}

    ),

    wanted as (
        {% for tier in ['budget', 'mid', 'premium', 'bump'] %}
        select
            page_name,
            behavioral_segment,
            '{{ tier }}' as price_tier,
            num_{{ tier }} as quota,
            {{ 0 if tier == 'bump' else 'chance_' ~ tier }} as chance_quota
        from requests
        where num_{{ tier }} > 0
        {%- if not loop.last %}

        union all
        {% endif %}
        {%- endfor %}

    ),

    multiplied as (

        select
            scores.*,
            wanted.behavioral_segment,
            wanted.quota,
            wanted.chance_quota,
            {#- Drawn from all that the page may send of the tier, whatever is believed of it. #}
            scores.chance_draw is not null and not scores.is_soft_restricted as may_be_chance,
            case
                when wanted.behavioral_segment = 'premium' and wanted.price_tier = 'premium' then 1.25e0
                when wanted.behavioral_segment = 'budget' and wanted.price_tier in ('budget', 'mid') then 1.15e0
                else 1e0
            end as segment_multiplier
        from wanted
        inner join scores
            on
                wanted.page_name = scores.page_name
                and wanted.price_tier = scores.price_tier

    ),

    {#- A soft pattern ranks a caption below every one without, and what stands in comes after the candidates:
        scores lie between -1 and 2. #}
    scored as (

        select
            *,
            base_score * segment_multiplier as score,
            may_be_chance
            and row_number() over (
                partition by page_name, price_tier, may_be_chance
                order by chance_draw asc
            ) <= chance_quota as is_by_chance,
            base_score * segment_multiplier
            - case when is_soft_restricted then 10e0 else 0e0 end
            - case when is_stand_in then 5e0 else 0e0 end as sort_score
        from multiplied

    ),

    {#- The few best of each tier, far more than any quota: all that follows works on them alone. Every
        score has its own draw of 52 bits, so nothing ties at the edge. #}
    shortlisted as (

        select *
        from scored
        where true
        qualify
            row_number() over (partition by page_name, price_tier order by is_by_chance desc, sort_score desc) <= 200

    ),

    described as (

        select
            shortlisted.*,
            captions.caption_text,
            captions.caption_key,
            captions.content_category,
            captions.has_urgency
        from shortlisted
        inner join captions on shortlisted.caption_id = captions.caption_id

    ),

    {#- One text may stand in two tiers; it is sent once. #}
    distinct_texts as (

        select *
        from described
        where true
        qualify
            row_number() over (
                partition by page_name, caption_key
                order by is_by_chance desc, sort_score desc, caption_id asc
            ) = 1

    ),

    ranked as (

        select
            *,
            row_number() over (
                partition by page_name, price_tier
                order by is_by_chance desc, sort_score desc, caption_id asc
            ) as quota_rank
        from distinct_texts

    ),

    {#- Which caption was drawn must not decide over its hour, or hours would be taken for captions. #}
    filled as (

        select
            *,
            max(case when is_by_chance then 1 else 0 end) over (partition by page_name) = 1 as is_dealt_by_draw,
            {{ function_name('uniform_draw') }}(
                '{{ execution_date_value().isoformat() }}|' || page_name || '|' || cast(caption_id as string) || '|hour'
            ) as hour_draw
        from ranked
        where quota_rank <= quota

    ),

    final as (

        select
            page_name,
            behavioral_segment,
            price_tier,
            row_number() over (
                partition by page_name, price_tier
                order by is_by_chance asc, sort_score desc, caption_id asc
            ) as tier_rank,
            {#- What sells takes its hours first. #}
            row_number() over (
                partition by page_name
                order by
                    price_tier = 'bump' asc,
                    case when is_dealt_by_draw and price_tier != 'bump' then hour_draw end asc,
                    sort_score desc,
                    caption_id asc
            ) as selection_rank,
            case when is_by_chance then 'chance' else 'chosen' end as selection_kind,
            is_dealt_by_draw,
            caption_id,
            caption_text,
            caption_key,
            content_category,
            has_urgency,
            is_soft_restricted,
            caption_policy,
            outcome_count,
            page_median_emv,
            quantity,
            posterior_mean,
            posterior_sd,
            opens_lift,
            page_level,
            message_variance,
            exploration_width,
            uniform_draw,
            draw,
            thompson,
            diversity,
            value,
            budget_penalty,
            segment_multiplier,
            score
        from filled

    )

    select * from final
{%- endmacro %}
