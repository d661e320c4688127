{#- A cleaned page name without what people write differently: a leading @, blanks, hyphens, underscores. #}
{% macro loose_name(name) -%}
    {{ replace_pattern(replace_pattern(name, '[ _\\p{Pd}]', ''), '^@+', '') }}
{%- endmacro %}
