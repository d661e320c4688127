{#- on-run-start, DuckDB only: makes the input tables readable under their production names, as views
    over the Parquet or CSV files of the data directory. A table of that name that somebody loaded
    into the database is used as it is. #}
{% macro register_inputs() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] and reads_inputs() -%}
        {%- do adapter.dispatch('register_inputs', 'eros')() -%}
    {%- endif -%}
{% endmacro %}

{% macro default__register_inputs() %}
{% endmacro %}

{% macro duckdb__register_inputs() %}
    {%- set tables = run_query(
        "select table_name from duckdb_tables() where schema_name = '" ~ target.schema ~ "'"
    ).columns[0].values() -%}
    {%- set directory = data_directory() -%}
    {%- for input in graph.sources.values() | selectattr('source_name', 'equalto', 'inputs') -%}
        {%- if input.name not in tables -%}
            {%- do run_query(
                "create or replace view " ~ target.schema ~ "." ~ input.name
                ~ " as select * from " ~ input_reader(directory, input.name)
            ) -%}
        {%- endif -%}
        {%- do check_input_columns(input) -%}
    {%- endfor -%}
{% endmacro %}


{#- Whether anything that reads the inputs is part of this run: the hourly sweep must not fail
    because an export is being replaced. #}
{% macro reads_inputs() %}
    {%- for unique_id in selected_resources if unique_id.startswith('model.') -%}
        {%- if graph.nodes[unique_id].fqn[1] == 'staging' -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(false) }}
{% endmacro %}


{#- The data directory: var, EROS_DATA_DIR, data/ if it holds anything, else the shipped sample. #}
{% macro data_directory() %}
    {%- set given = run_parameter('data_dir') -%}
    {%- if given != '' -%}
        {{ return(given.rstrip('/')) }}
    {%- endif -%}
    {%- set project = invocation_args_dict.get('project_dir') or '.' -%}
    {%- set own = project ~ '/data' -%}
    {%- set found = run_query(
        "select count(*) from glob(" ~ text_literal(own ~ '/mass_messages.*') ~ ")"
    ).columns[0].values()[0] -%}
    {{ return(own if found else project ~ '/sample_data') }}
{% endmacro %}


{% macro input_reader(directory, name) %}
    {%- set path = text_literal(directory ~ '/' ~ name) -%}
    {%- set files = run_query(
        "select file from glob(" ~ path ~ " || '.parquet') union all select file from glob(" ~ path ~ " || '.csv')"
    ).columns[0].values() -%}
    {%- if files | length == 0 -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ name ~ " not found: there is no " ~ name ~ ".parquet or " ~ name ~ ".csv in "
            ~ directory ~ ". Set EROS_DATA_DIR to the folder with your exported tables, or make sample data"
            ~ " with: eros sample-data"
        ) %}
    {%- elif files | length > 1 -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ name ~ " is there twice, as " ~ files | join(" and ") ~ ": remove one of them"
        ) %}
    {%- elif files[0].endswith('.parquet') -%}
        {{ return("read_parquet(" ~ text_literal(files[0]) ~ ")") }}
    {%- endif -%}
    {#- Every CSV column is read as text, so that a value which does not cast rejects a row, not a file. -#}
    {{ return("read_csv(" ~ text_literal(files[0]) ~ ", header = true, all_varchar = true, delim = ',', quote = '\"', escape = '\"')") }}
{% endmacro %}


{% macro check_input_columns(input) %}
    {%- set relation = api.Relation.create(target.database, target.schema, input.name) -%}
    {%- set present = run_query("describe " ~ relation).columns[0].values() | map('lower') | list -%}
    {%- set missing = input.columns | list | reject('in', present) | list -%}
    {%- if missing -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ input.name ~ " lacks the column" ~ ("s " if missing | length > 1 else " ")
            ~ missing | join(", ") ~ ": export it with all the columns listed in models/staging/_sources.yml"
        ) %}
    {%- endif -%}
{% endmacro %}
