{#- The 95 % Wilson interval of a success rate and a bonus for having seen little. #}
{% macro deploy_wilson_score_bounds() %}
    {{- return(create_function(
        'wilson_score_bounds',
        ['successes INT64', 'failures INT64'],
        'STRUCT<lower_bound FLOAT64, upper_bound FLOAT64, exploration_bonus FLOAT64>',
        struct_of({
            'lower_bound': wilson_bound('successes', 'failures', '-'),
            'upper_bound': wilson_bound('successes', 'failures', '+'),
            'exploration_bonus': '(1e0 / sqrt(successes + failures + 1e0))'
        })
    )) -}}
{% endmacro %}


{#- One end of the interval: (p + z²/2n ± z·sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n), z = 1.96,
    clipped to [0, 1]; without observations 0 and 1. #}
{% macro wilson_bound(successes, failures, sign) -%}
    {%- set n = '(' ~ successes ~ ' + ' ~ failures ~ ')' -%}
    {%- set p = '(' ~ successes ~ ' / nullif(' ~ n ~ ' * 1e0, 0e0))' -%}
    {%- set z2 = '3.8416e0' -%}
    case
        when {{ n }} is null then null
        when {{ n }} = 0 then {{ '0e0' if sign == '-' else '1e0' }}
        else greatest(0e0, least(1e0, (
            {{ p }} + {{ z2 }} / (2e0 * {{ n }})
            {{ sign }} 1.96e0 * sqrt({{ p }} * (1e0 - {{ p }}) / {{ n }} + {{ z2 }} / (4e0 * {{ n }} * {{ n }}))
        ) / (1e0 + {{ z2 }} / {{ n }})))
    end
{%- endmacro %}


{#- A point of the interval: lower + (upper - lower) · u. #}
{% macro wilson_point(successes, failures, u) -%}
    {%- set lower = wilson_bound(successes, failures, '-') -%}
    {%- set upper = wilson_bound(successes, failures, '+') -%}
    ({{ lower }} + ({{ upper }} - {{ lower }}) * {{ u }})
{%- endmacro %}
