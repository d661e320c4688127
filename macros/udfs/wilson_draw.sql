{#- The point of the Wilson interval at u in [0, 1], for schedules that can be reproduced. #}
{% macro deploy_wilson_draw() %}
    {{- return(create_function(
        'wilson_draw',
        ['successes INT64', 'failures INT64', 'u FLOAT64'],
        'FLOAT64',
        wilson_point('successes', 'failures', 'u')
    )) -}}
{% endmacro %}
