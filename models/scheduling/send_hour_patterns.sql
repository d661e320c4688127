{%- set hour_count = var('last_send_hour') - var('first_send_hour') + 1 %}

with

{#- Bit i stands for the hour first_send_hour + i; every set of hours of a day is one number. #}
bit_sets as (

    select hour_set
    from {{ integer_series(1, 2 ** hour_count - 1, 'hour_set') }}

),

measured as (

    select
        hour_set,
        bit_count(hour_set) as hour_count,
        case
            {%- for gap in range(1, hour_count) %}
            when (hour_set & (hour_set >> {{ gap }})) != 0 then {{ gap }}
            {%- endfor %}
            else {{ hour_count }}
        end as smallest_gap_hours
    from bit_sets

),

final as (

    select
        hour_set,
        cast(hour_count as int64) as hour_count,
        cast(smallest_gap_hours as int64) as smallest_gap_hours
    from measured

)

select * from final
