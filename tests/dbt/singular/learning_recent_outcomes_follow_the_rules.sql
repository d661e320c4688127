{#- Each outcome of the re-evaluated dates is mature, was viewed, and has the EMV, the verdict and the
    logarithm that its own columns give. -#}
select
    row_id,
    page_name,
    caption_id,
    sending_time,
    emv,
    page_median_emv,
    is_success,
    log_emv
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
        and exp(log_emv) >= 0.000000999e0
        and log_emv >= ln(greatest(emv, 0.000001e0)) - 1e-9
    ) is distinct from true
