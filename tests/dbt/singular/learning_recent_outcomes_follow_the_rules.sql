{#- Each outcome of the re-evaluated dates is mature, was viewed, and has the EMV and the verdict that its own
    columns give, and something to measure its value by. -#}
select
    row_id,
    page_name,
    caption_id,
    sending_time,
    emv,
    page_median_emv,
    is_success,
    typical_value
from {{ ref('message_outcomes') }}
where
    sending_date >= {{ execution_date(-var('message_lookback_days')) }}
    and (
        row_id is not null
        and caption_id is not null
        and viewed_count > 0
        and sending_time <= {{ as_of(minus_hours=var('outcome_maturity_hours')) }}
        and sending_date = {{ local_date('sending_time') }}
        and abs(emv - earnings * purchased_count / viewed_count) <= 1e-9 * greatest(abs(emv), 1e0)
        and is_success = (emv > page_median_emv)
        and typical_value > 0
    ) is distinct from true
