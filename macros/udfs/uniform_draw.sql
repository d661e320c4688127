{#- A number in (0, 1) that depends on a text alone: (k + 0.5) / 2^52, k the first 13 hex digits of
    its MD5. #}
{% macro deploy_uniform_draw() %}
    {{- return(create_function(
        'uniform_draw',
        ['key STRING'],
        'FLOAT64',
        '((' ~ integer_from_hex('substr(' ~ hex_md5('key') ~ ', 1, 13)') ~ ' + 0.5e0) / 4503599627370496e0)'
    )) -}}
{% endmacro %}
