{#- on-run-start, DuckDB only: makes the input tables readable under their production names, as views. Parquet
    is read in place; text (CSV, JSON) is read once and stored, see load_text_input. A table of that name
    that somebody loaded into the database is used as it is. #}
{% macro register_inputs() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'test'] and reads_inputs() -%}
        {%- do adapter.dispatch('register_inputs', 'eros')() -%}
    {%- endif -%}
{% endmacro %}

{% macro default__register_inputs() %}
    {%- for input in graph.sources.values() | selectattr('source_name', 'equalto', 'inputs') -%}
        {%- set relation = api.Relation.create(target.database, target.schema, input.name) -%}
        {%- do check_input_columns(input, present_columns(relation)) -%}
    {%- endfor -%}
{% endmacro %}

{% macro duckdb__register_inputs() %}
    {%- do run_query(
        'create schema if not exists ' ~ loaded_inputs() ~ '; create table if not exists ' ~ loaded_inputs()
        ~ '.loaded_files (source_name varchar, signature varchar)'
    ) -%}
    {%- set tables = run_query(
        "select table_name from duckdb_tables() where schema_name = '" ~ target.schema ~ "'"
    ).columns[0].values() -%}
    {%- set directory = data_directory() -%}
    {%- do note_inputs(directory, 'mass_messages' in tables) -%}
    {%- for input in graph.sources.values() | selectattr('source_name', 'equalto', 'inputs') -%}
        {%- if input.name in tables -%}
            {%- do forget_loaded_input(input.name) -%}
            {%- do check_input_columns(input, input_types(target.schema ~ '.' ~ input.name) | list) -%}
        {%- else -%}
            {%- do create_input_view(input, directory) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro create_input_view(input, directory) %}
    {%- set found = input_files(directory, input.name) -%}
    {%- if found.kind == 'parquet' -%}
        {%- do forget_loaded_input(input.name) -%}
        {%- set reader = 'read_parquet(' ~ file_list(found.files) ~ ', union_by_name = true, hive_partitioning = '
            ~ ('true' if found.is_partitioned else 'false') ~ ')' -%}
    {%- else -%}
        {%- do load_text_input(input, found) -%}
        {%- set reader = loaded_inputs() ~ '.' ~ input.name -%}
    {%- endif -%}
    {%- set types = input_types(reader) -%}
    {%- do check_input_columns(input, types | list) -%}
    {%- do run_query(
        'create or replace view ' ~ target.schema ~ '.' ~ input.name ~ ' as select ' ~ input_columns(input, types)
        ~ ' from ' ~ reader
    ) -%}
{% endmacro %}


{#- The types of columns by their names in small letters. Not asked of the adapter: it would begin a transaction
    here, which nobody ends. #}
{% macro input_types(reader) %}
    {%- set types = {} -%}
    {%- for row in run_query('describe from ' ~ reader).rows -%}
        {%- do types.update({row[0] | lower: row[1]}) -%}
    {%- endfor -%}
    {{ return(types) }}
{% endmacro %}


{#- The schema with what was read from text files; nobody but these hooks and the inputs' views uses it. #}
{% macro loaded_inputs() %}
    {{- return(target.schema ~ '_inputs') -}}
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
        {{ return(given.rstrip('/') or '/') }}
    {%- endif -%}
    {%- set found = run_query(
        "select count(*) from glob(" ~ text_literal(project_directory() ~ '/data/*') ~ ")"
    ).columns[0].values()[0] -%}
    {{ return(project_directory() ~ ('/data' if found else '/sample_data')) }}
{% endmacro %}


{% macro project_directory() %}
    {{- return((invocation_args_dict.get('project_dir') or '.').rstrip('/')) -}}
{% endmacro %}


{#- Notes where the inputs are from. Invented ones never take the place of real ones: what was learnt from those
    would be mixed with fiction, and nobody would see that the export is gone. #}
{% macro note_inputs(directory, is_loaded) %}
    {%- set is_sample = not is_loaded and is_sample_data(directory) -%}
    {%- set known = known_facts() -%}
    {%- set real = known.get('real_inputs', '') -%}
    {%- if is_sample and real != '' -%}
        {% do exceptions.raise_compiler_error(
            "this database was made from real inputs (" ~ real ~ "), and " ~ directory ~ " holds sample data, which"
            ~ " never takes their place. Set EROS_DATA_DIR to the folder with your exported tables, or"
            ~ " EROS_DUCKDB_PATH to another database"
        ) %}
    {%- endif -%}
    {%- set place = 'tables in the database' if is_loaded else directory -%}
    {%- set sample = sample_mark(directory) if is_sample else '' -%}
    {%- if known.get('sample', '') not in ['', sample] -%}
        {%- do forget_another_sample() -%}
    {%- endif -%}
    {%- do remember({
        'inputs': place ~ (' (sample data)' if is_sample else ''),
        'is_shipped_sample': is_sample and directory == project_directory() ~ '/sample_data',
        'real_inputs': real if is_sample else place,
        'sample': sample,
    }) -%}
    {%- do log('inputs: ' ~ place ~ (' (sample data: all of it is invented)' if is_sample else ''), info=is_sample) -%}
{% endmacro %}


{#- What a database has from a sample is fiction, and must not be mixed with what comes after it: real inputs,
    or another sample, which uses the same ids. Nothing that anybody knew is lost with it. #}
{% macro forget_another_sample() %}
    {%- for name in ['mass_messages_checked', 'message_outcomes', 'first_caption_scores'] -%}
        {%- set table = adapter.get_relation(target.database, target.schema, name) -%}
        {%- if table is not none -%}
            {%- do run_query('delete from ' ~ table) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do log('other inputs than the sample data of before: what was learnt from those is forgotten', info=true) -%}
{% endmacro %}


{#- What tells one sample from another: the digest of the note that was written with it. #}
{% macro sample_mark(directory) %}
    {{ return(run_query(
        "select md5(content) from read_text(" ~ text_literal(directory ~ '/generated.json') ~ ")"
    ).columns[0].values()[0]) }}
{% endmacro %}


{#- Whether a folder holds just what `eros sample-data` wrote: its note says how large each file is. #}
{% macro is_sample_data(directory) %}
    {%- set notes = run_query(
        "select content from read_text(" ~ text_literal(directory ~ '/generated.jso[n]') ~ ")"
    ).columns[0].values() -%}
    {%- if not notes -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set sizes = (fromjson(notes[0], {}) or {}).get('bytes', {}) -%}
    {%- set files = run_query(
        "select parse_filename(filename), size from read_blob(" ~ text_literal(directory ~ '/mass_messages*') ~ ")"
    ).rows -%}
    {%- for file in files if sizes.get(file[0]) != file[1] | int -%}
        {{ return(false) }}
    {%- endfor -%}
    {{ return(true) }}
{% endmacro %}


{#- What a view gives: all that is there, texts that were stored as bytes as texts, and NULL for a column
    that is not there and that the rules can do without. #}
{% macro input_columns(input, types) %}
    {%- set decoded = [] -%}
    {%- set absent = [] -%}
    {%- for name, column in input.columns.items() -%}
        {%- if types.get(name) == 'BLOB' -%}
            {%- do decoded.append('try(decode(' ~ name ~ ')) as ' ~ name) -%}
        {%- elif types.get(name) == 'BLOB[]' -%}
            {%- do decoded.append('list_transform(' ~ name ~ ', lambda element: try(decode(element))) as ' ~ name) -%}
        {%- elif name not in types and column.config.meta.get('optional') -%}
            {%- do absent.append(null_column(column)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return((['*' ~ (' replace (' ~ decoded | join(', ') ~ ')' if decoded else '')] + absent) | join(', ')) }}
{% endmacro %}


{% macro null_column(column) %}
    {{ return('cast(null as ' ~ column.data_type ~ ') as ' ~ column.name) }}
{% endmacro %}


{#- The names of the columns that are there; none where there is nothing to ask, as in a compile offline. #}
{% macro present_columns(relation) %}
    {%- if not execute or relation.is_cte or load_relation(relation) is none -%}
        {{ return([]) }}
    {%- endif -%}
    {{ return(adapter.dispatch('column_names', 'eros')(relation) | map('lower') | list) }}
{% endmacro %}

{% macro default__column_names(relation) %}
    {{ return(adapter.get_columns_in_relation(relation) | map(attribute='name') | list) }}
{% endmacro %}

{#- Not by the adapter: in a hook it would leave a transaction open, and what later hooks write would be
    rolled back with it. #}
{% macro duckdb__column_names(relation) %}
    {{ return(run_query('describe ' ~ relation).columns[0].values() | list) }}
{% endmacro %}


{#- After `select *` from an input: NULL for each column that is not there and that the rules can do without.
    On DuckDB the input's view has them already, a table that somebody loaded may not. #}
{% macro absent_columns(relation, name) -%}
    {%- set present = present_columns(relation) -%}
    {%- if present -%}
        {%- set input = graph.sources['source.eros.inputs.' ~ name] -%}
        {%- for column in input.columns.values() if column.name not in present and column.config.meta.get('optional') %},
        {{ null_column(column) }}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}


{% macro check_input_columns(input, present) %}
    {%- set missing = [] -%}
    {%- for name, column in input.columns.items()
        if present and name not in present and not column.config.meta.get('optional') -%}
        {%- do missing.append(name) -%}
    {%- endfor -%}
    {%- if missing -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ input.name ~ " lacks the column" ~ ("s " if missing | length > 1 else " ")
            ~ missing | join(", ") ~ ": export it with all the columns listed in models/staging/_sources.yml"
        ) %}
    {%- endif -%}
{% endmacro %}
