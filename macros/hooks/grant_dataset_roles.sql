{#- on-run-start: who may read and write the dataset, from EROS_BIGQUERY_READERS and
    EROS_BIGQUERY_WRITERS: principals such as group:analysts@example.com, separated by commas. What is
    granted already stays as it is; nothing is ever revoked here. #}
{% macro grant_dataset_roles() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed'] -%}
        {%- do adapter.dispatch('grant_dataset_roles', 'eros')() -%}
    {%- endif -%}
{% endmacro %}

{% macro default__grant_dataset_roles() %}
    {%- for role, variable in [
        ('roles/bigquery.dataViewer', 'EROS_BIGQUERY_READERS'),
        ('roles/bigquery.dataEditor', 'EROS_BIGQUERY_WRITERS'),
    ] -%}
        {%- set principals = env_var(variable, '').split(',') | map('trim') | select | list -%}
        {%- if principals -%}
            {%- do run_query(grant_statement(role, principals)) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

{#- A DuckDB file has no users. #}
{% macro duckdb__grant_dataset_roles() %}
{% endmacro %}

{% macro grant_statement(role, principals) -%}
    {%- for principal in principals
        if not modules.re.fullmatch('(user|group|serviceAccount|domain):[A-Za-z0-9._%+@-]+', principal) -%}
        {% do exceptions.raise_compiler_error(
            "EROS_BIGQUERY_READERS and EROS_BIGQUERY_WRITERS take principals such as"
            ~ " group:analysts@example.com, separated by commas, not '" ~ principal ~ "'"
        ) %}
    {%- endfor -%}
    grant `{{ role }}` on schema `{{ target.database }}.{{ target.schema }}` to "{{ principals | join('", "') }}"
{%- endmacro %}
