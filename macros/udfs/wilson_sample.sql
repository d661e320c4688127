{#- A random point of the Wilson interval, from the engine's generator: never the same twice, hence
    for people at a SQL prompt and not for models. #}
{% macro deploy_wilson_sample() %}
    {{- return(create_function(
        'wilson_sample',
        ['successes INT64', 'failures INT64'],
        'FLOAT64',
        wilson_point('successes', 'failures', random_uniform())
    )) -}}
{% endmacro %}
