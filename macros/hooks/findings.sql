{#- on-run-end: what tests found and what failed, in words, one row of run_findings each; gives the words
    by node. dbt itself says only how many rows a test gave. #}
{% macro record_findings(results) %}
    {%- set words = {} -%}
    {%- set rows = [] -%}
    {%- for result in results if result.status in ['warn', 'fail', 'error', 'runtime error'] -%}
        {%- set text = finding(result) -%}
        {%- do words.update({result.node.unique_id: text}) -%}
        {%- do rows.append(
            "('" ~ invocation_id ~ "', " ~ text_literal(result.node.name) ~ ", '" ~ result.node.resource_type ~ "', '"
            ~ result.status ~ "', " ~ text_literal(text) ~ ", " ~ (result.failures if result.failures is not none else 'null')
            ~ ", " ~ timestamp_literal(modules.datetime.datetime.now(modules.pytz.utc)) ~ ")"
        ) -%}
    {%- endfor -%}
    {%- if rows -%}
        {%- do run_query(
            "insert into " ~ source('operations', 'run_findings').render()
            ~ " (job_id, node_name, node_type, node_status, message, row_count, found_at) values " ~ rows | join(", ")
        ) -%}
    {%- endif -%}
    {{ return(words) }}
{% endmacro %}


{#- A test says what is wrong by a column `problem` of its rows; else it is the rule that it is about, with
    one of the rows that break it. #}
{% macro finding(result) %}
    {%- set node = result.node -%}
    {%- if node.resource_type != 'test' or result.status not in ['warn', 'fail'] or not node.compiled_code -%}
        {{ return((result.message or result.status) | trim | truncate(300)) }}
    {%- endif -%}
    {%- set rows = "(\n" ~ node.compiled_code ~ "\n) as found" -%}
    {%- set found = run_query("select * from " ~ rows ~ " limit 1") -%}
    {%- if 'problem' in found.column_names -%}
        {%- set problems = run_query(
            "select distinct problem from " ~ rows ~ " where problem is not null order by problem limit 3"
        ).columns[0].values() | list -%}
        {%- set more = result.failures - problems | length -%}
        {{ return(problems | join('; ') ~ ('; and ' ~ more ~ ' more' if more > 0 else '')) }}
    {%- endif -%}
    {%- set rule = node.description | trim or 'this rule is broken: ' ~ node.name | replace('_', ' ') ~ '.' -%}
    {%- set example = [] -%}
    {%- for name in found.column_names if found.rows and found.rows[0][name] is not none -%}
        {%- do example.append(name ~ ' = ' ~ (found.rows[0][name] | string | truncate(60))) -%}
    {%- endfor -%}
    {{ return(
        rule ~ ' ' ~ result.failures ~ (' row' if result.failures == 1 else ' rows')
        ~ (', for example ' ~ example[:4] | join(', ') if example else '')
    ) }}
{% endmacro %}
