{#- The old name of caption_key_v2, kept for those who call it. #}
{% macro deploy_caption_key() %}
    {{- return(create_function('caption_key', ['message STRING'], 'STRING', caption_key_expression('message'))) -}}
{% endmacro %}
