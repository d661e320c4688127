{#- Whether this run looks for what changed in dates that no run reads any more. A performance run, six-hourly,
    does not, unless it takes some of them in. While dbt parses, no environment variable is read: a change of it
    would cost a parse. #}
{% macro looks_at_older_dates(relation) -%}
    {{ return(
        not execute
        or job_name() != 'performance'
        or run_parameter('since') != ''
        or load_relation(relation) is none
    ) }}
{%- endmacro %}
