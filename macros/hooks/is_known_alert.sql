{#- Whether a row of automation_alerts still speaks for its finding: it is open, or somebody took it less
    than alert_repeat_hours ago. What recovered and is found again is new. #}
{% macro is_known_alert(moment) -%}
    (
        not coalesce(acknowledged, false)
        or (
            acknowledged_by is distinct from 'recovered'
            and {{ hours_between('coalesce(acknowledged_at, alert_time)', moment) }} <= {{ var('alert_repeat_hours') }}
        )
    )
{%- endmacro %}
