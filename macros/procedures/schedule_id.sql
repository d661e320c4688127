{#- The key of a page's schedule for a day, from the row's own date: {page_name}_{YYYYMMDD}. #}
{% macro schedule_id(page_name, schedule_date) -%}
    {{ page_name }} || '_' || replace(cast({{ schedule_date }} as string), '-', '')
{%- endmacro %}
