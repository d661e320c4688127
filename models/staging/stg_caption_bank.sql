{#- Normalising texts is what costs, and few of them change from run to run: a caption that stood here with this very
    text, keyed by today's rule, keeps its key. A full refresh keys all of them. -#}
{%- set has_known_keys = this is not none and not flags.FULL_REFRESH
    and 'caption_key_rule' in present_columns(this) %}

with

captions as (

    select * from {{ ref('caption_bank_checked') }}
    where rejection_reason is null

),

{%- if has_known_keys %}

known_keys as (

    select
        caption_id,
        caption_text,
        caption_key
    from {{ this }}
    where caption_key_rule = '{{ caption_key_version() }}'

),
{%- endif %}

final as (

    select
        captions.caption_id,
        captions.caption_text,
        {%- if has_known_keys %}
        {#- Not coalesce, whose second value DuckDB computes for every row. #}
        case
            when known_keys.caption_key is not null then known_keys.caption_key
            else {{ function_name('caption_key_v2') }}(captions.caption_text)
        end as caption_key,
        {%- else %}
        {{ function_name('caption_key_v2') }}(captions.caption_text) as caption_key,
        {%- endif %}
        '{{ caption_key_version() }}' as caption_key_rule,
        captions.content_category,
        captions.price_tier,
        captions.has_urgency,
        captions.avg_revenue,
        captions.overall_performance_score,
        captions.usage_status
    from captions
    {%- if has_known_keys %}
    left join known_keys
        on captions.caption_id = known_keys.caption_id and captions.caption_text = known_keys.caption_text
    {%- endif %}

)

select * from final
