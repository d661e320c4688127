{#- Whether this run looks for what changed in dates that no run reads any more. A performance run, six-hourly,
    does not, unless it takes some of them in. #}
{% macro looks_at_older_dates(relation) -%}
    {{ return(
        job_name() != 'performance'
        or run_parameter('since') != ''
        or (execute and load_relation(relation) is none)
    ) }}
{%- endmacro %}
