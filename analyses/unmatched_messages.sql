{#- For whoever keeps the caption bank: texts of the last 37 days that it does not have, the most sent
    first. Until they are added, their messages teach nothing. The check caption_match_rate points here.

        dbt show --select unmatched_messages --limit 50
-#}
with

messages as (

    select * from {{ ref('stg_mass_messages') }}

),

{# Only the input has the text. A file may hold row_id as text or as a number. #}
texts as (

    select
        cast(row_id as string) as row_id,
        message
    from {{ source('inputs', 'mass_messages') }}

),

caption_keys as (

    select distinct caption_key from {{ ref('stg_caption_bank') }}

),

unmatched as (

    select
        messages.*,
        texts.message
    from messages
    inner join texts on cast(messages.row_id as string) = texts.row_id
    left join caption_keys on messages.caption_key = caption_keys.caption_key
    where
        messages.sending_date >= {{ add_days(local_date(current_moment()), -37) }}
        and messages.caption_id is null
        and caption_keys.caption_key is null

),

final as (

    select
        caption_key,
        min(message) as message,
        count(*) as messages,
        count(distinct page_name) as pages,
        max(sending_time) as last_sent_at,
        sum(earnings) as earnings
    from unmatched
    group by caption_key

)

select * from final
order by messages desc, caption_key asc
