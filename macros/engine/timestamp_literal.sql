{#- A Python datetime as a SQL literal in UTC. #}
{% macro timestamp_literal(moment) -%}
    timestamp '{{ moment.astimezone(modules.pytz.utc).strftime("%Y-%m-%d %H:%M:%S.%f") }}'
{%- endmacro %}
