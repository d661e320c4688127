{#- DuckDB only: the files of an input. One file, NAME.parquet, NAME.csv or NAME.json (also .jsonl, .ndjson,
    and text compressed, .gz); numbered shards of it, as BigQuery exports them (NAME-000000000000.csv); or a
    folder NAME with its parts. #}
{% macro input_files(directory, name) %}
    {%- set endings = '\\.(parquet|csv|csv\\.gz|json|jsonl|ndjson|json\\.gz|jsonl\\.gz|ndjson\\.gz)$' -%}
    {%- set shapes = {
        'file': '(?i)^' ~ name ~ endings,
        'shard': '(?i)^' ~ name ~ '([-_.]?)[0-9][-_0-9]*(?:of-?[0-9]+)?' ~ endings,
        'part': '(?i)^' ~ name ~ '/(?:[^._/][^/]*/)*[^._/][^/]*' ~ endings,
    } -%}
    {%- set forms = {} -%}
    {%- for file in files_like(directory, name) -%}
        {%- set place = file[directory | length + 1:].replace('\\', '/') -%}
        {%- for shape, pattern in shapes.items() -%}
            {%- set match = modules.re.match(pattern, place) -%}
            {%- if match -%}
                {%- set form = (place if shape == 'file' else shape, match.groups() | map('lower') | join('|')) -%}
                {%- do forms.setdefault(form, []).append(file) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not forms -%}
        {%- do raise_missing_input(directory, name) -%}
    {%- elif forms | length > 1 -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ name ~ " is there twice, as " ~ forms.values() | map('first') | join(" and ")
            ~ ": remove one of them"
        ) %}
    {%- endif -%}
    {%- set files = forms.values() | first -%}
    {%- set ending = (forms.keys() | first)[1].split('|')[-1] -%}
    {{ return({
        'files': files | sort,
        'kind': ending if ending in ['parquet', 'csv'] else 'csv' if ending == 'csv.gz' else 'json',
        'is_partitioned': '=' in (files | first)[directory | length:],
    }) }}
{% endmacro %}


{% macro files_like(directory, name) %}
    {{ return(run_query(
        "select file from glob(" ~ text_literal(directory ~ '/*') ~ ") where lower(parse_filename(file)) like '" ~ name
        ~ "%' union all select file from glob(" ~ text_literal(directory ~ '/' ~ name ~ '/**')
        ~ ") order by file"
    ).columns[0].values()) }}
{% endmacro %}


{% macro raise_missing_input(directory, name) %}
    {% do exceptions.raise_compiler_error(
        "input table " ~ name ~ " not found: there is no " ~ name ~ ".parquet, " ~ name ~ ".csv or " ~ name ~ ".json in "
        ~ directory ~ ". Set EROS_DATA_DIR to the folder with your exported tables"
    ) %}
{% endmacro %}


{#- Files as a SQL list. #}
{% macro file_list(files) %}
    {%- set literals = [] -%}
    {%- for file in files -%}
        {%- do literals.append(text_literal(file)) -%}
    {%- endfor -%}
    {{ return('[' ~ literals | join(', ') ~ ']') }}
{% endmacro %}
