{#- DuckDB only: reads the text files of an input, line by line, and stores the rows. DuckDB's own reader of CSV
    drops what it takes for a preamble or a comment, refuses a whole file for one line, and can lose what
    stands between mixed line ends; its reject tables are told of some of that, and only while it lasts.

    So the lines are taken first, then put together to rows: a row goes on over a line end within quotes. What is
    no row, or has another number of values than its header, stands in unreadable_lines, one row a line; a quote
    that is never closed costs no line that is a row by itself. At the end every line of the files, counted once
    more by itself, must be a row, a part of one, a header, blank, or in unreadable_lines.

    Files that have not changed since they were read are not read again. #}
{% macro load_text_input(input, found) %}
    {%- set facts = run_query(
        "select filename, size, cast(last_modified as varchar) as modified,"
        ~ " last_modified > now() - interval 3 seconds as is_fresh from read_blob(" ~ file_list(found.files) ~ ") order by filename"
    ).rows -%}
    {%- set signature = 'v1 ' ~ tojson(facts | map('list') | map('batch', 3) | map('first') | list) -%}
    {%- if signature != run_query(
        "select coalesce(max(signature), '') from " ~ loaded_inputs() ~ ".loaded_files where source_name = '" ~ input.name ~ "'"
    ).columns[0].values()[0] -%}
        {%- do forget_loaded_input(input.name) -%}
        {%- set files = text_files(input.name, facts) -%}
        {#- The profile lets DuckDB give rows in any order; lines are numbered in theirs. -#}
        {%- do run_query('set preserve_insertion_order = true') -%}
        {%- do run_query(take_lines(files)) -%}
        {%- do run_query('set preserve_insertion_order = false') -%}
        {%- do check_lost_bytes(input.name, files) -%}
        {%- if found.kind == 'csv' -%}
            {%- do store_csv_rows(input) -%}
        {%- else -%}
            {%- do store_json_rows(input) -%}
        {%- endif -%}
        {%- do check_lost_lines(input.name, files) -%}
        {%- do store_unreadable_lines(input.name) -%}
        {%- do run_query('drop table if exists input_records') -%}
        {%- do run_query('drop table if exists input_lines') -%}
        {#- A file that was written just now may be written again within the same second. -#}
        {%- if not facts | map(attribute=3) | select | list -%}
            {%- do run_query(
                'insert into ' ~ loaded_inputs() ~ ".loaded_files values ('" ~ input.name ~ "', " ~ text_literal(signature) ~ ')'
            ) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- Of each file how it is to be read. Up to this size a file is taken whole, which keeps every byte. #}
{% macro text_files(name, facts) %}
    {%- set whole = 256 * 1024 * 1024 -%}
    {%- set small = facts | rejectattr(1, 'gt', whole) | map(attribute=0) | list -%}
    {%- set heads = {} -%}
    {%- if small -%}
        {%- for row in run_query(
            "select filename, hex(content[1:4]), try(decode(content)) is not null, hex(content[-4:]) from read_blob("
            ~ file_list(small) ~ ")"
        ).rows -%}
            {%- do heads.update({row[0]: row}) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set files = [] -%}
    {%- for fact in facts -%}
        {%- set head = heads.get(fact[0], [fact[0], '', true, '']) -%}
        {%- set is_packed = head[1].startswith('1F8B') -%}
        {%- if fact[1] > whole and fact[0].lower().endswith('.gz') -%}
            {%- do refuse_file(name, fact[0], 'is too large to be read compressed: unpack it with gunzip, or export it as Parquet') -%}
        {%- elif fact[1] == 0 -%}
            {%- do refuse_file(name, fact[0], 'is empty: export it again, a table without rows has at least its header') -%}
        {%- elif not is_packed and not head[2] -%}
            {%- do refuse_encoding(name, head) -%}
        {%- endif -%}
        {%- do files.append({
            'path': fact[0],
            'is_whole': fact[1] <= whole and not is_packed,
            'is_packed': is_packed,
            'bytes': little_endian(head[3]) if is_packed else fact[1],
        }) -%}
    {%- endfor -%}
    {{ return(files) }}
{% endmacro %}


{#- A compressed file ends with the number of bytes that it unpacks to. #}
{% macro little_endian(digits) %}
    {{ return((digits[6:8] ~ digits[4:6] ~ digits[2:4] ~ digits[0:2]) | int(0, 16)) }}
{% endmacro %}


{% macro refuse_file(name, file, why) %}
    {% do exceptions.raise_compiler_error("input table " ~ name ~ ": " ~ file ~ " " ~ why) %}
{% endmacro %}


{% macro refuse_encoding(name, head) %}
    {%- if head[1][:4] in ['FFFE', 'FEFF'] -%}
        {%- set why = 'is UTF-16 text: save it as UTF-8, for example iconv -f UTF-16 -t UTF-8 OLD > NEW' -%}
    {%- elif head[1].startswith('504B') -%}
        {%- set why = 'is a zip archive or a spreadsheet: unpack it, or save the sheet as CSV (UTF-8)' -%}
    {%- elif head[1] == '50415231' -%}
        {%- set why = 'is a Parquet file: give it a name that ends with .parquet' -%}
    {%- else -%}
        {%- set why = 'is not UTF-8 text (Windows-1252?): save it as UTF-8, for example iconv -f CP1252 -t UTF-8 OLD > NEW' -%}
    {%- endif -%}
    {%- do refuse_file(name, head[0], why) -%}
{% endmacro %}


{#- Every line of the files, by file and number; each kind of line end is one, a byte order mark is no text. #}
{% macro take_lines(files) -%}
    create or replace temp table input_lines as
    {%- set whole = files | selectattr('is_whole') | map(attribute='path') | list %}
    {%- if whole %}
    select
        list_position({{ file_list(files | map(attribute='path') | list) }}, filename) * cast(1e9 as bigint) + number as line_id,
        filename as file,
        number as line_number,
        line
    from (
        select
            filename,
            generate_subscripts(lines, 1) as number,
            unnest(lines) as line
        from (
            select
                filename,
                string_split(
                    replace(replace(ltrim(decode(content), chr(65279)), chr(13) || chr(10), chr(10)), chr(13), chr(10)),
                    chr(10)
                ) as lines
            from read_blob({{ file_list(whole) }})
        ) as texts
    ) as numbered
    {%- endif %}
    {%- for file in files if not file.is_whole %}
    {{ 'union all' if whole or not loop.first }}
    select
        {{ files.index(file) + 1 }} * cast(1e9 as bigint) + row_number() over () as line_id,
        {{ text_literal(file.path) }} as file,
        row_number() over () as line_number,
        coalesce(line, '') as line
    from read_csv(
        {{ text_literal(file.path) }}, columns = {'line': 'varchar'}, header = false, auto_detect = false,
        delim = chr(1) || chr(2), quote = '', escape = '', comment = '', strict_mode = false, parallel = false,
        max_line_size = 33554432, compression = '{{ 'gzip' if file.is_packed else 'none' }}'
    )
    {%- endfor %}
{%- endmacro %}


{#- A file that was not taken whole went through DuckDB's reader: all its bytes must be there, or mixed line ends
    may have cost some. #}
{% macro check_lost_bytes(name, files) %}
    {%- for file in files if not file.is_whole -%}
        {%- set is_complete = run_query(
            'select list_contains([number, number - 1, 2 * number, 2 * number - 2], rest)'
            ~ ' or list_contains([number, number - 1, 2 * number, 2 * number - 2], rest - 3)'
            ~ ' from (select count(*) as number, ' ~ file.bytes ~ ' - sum(strlen(line)) as rest from input_lines where file = '
            ~ text_literal(file.path) ~ ') as counted'
        ).columns[0].values()[0] -%}
        {%- if not is_complete -%}
            {%- do refuse_file(name, file.path, 'mixes kinds of line ends, or was packed in several pieces, and cannot be'
                ~ ' read whole: unpack it with gunzip, or export it as Parquet') -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_lost_lines(name, files) %}
    {%- for file in files -%}
        {%- if file.is_whole -%}
            {%- set lines = run_query(
                "select 1 + length(content) - length(replace(content, chr(10), '')) + length(content)"
                ~ " - length(replace(content, chr(13), '')) - (length(content) - length(replace(content, chr(13) || chr(10), '.')))"
                ~ ' from read_text(' ~ text_literal(file.path) ~ ')'
            ).columns[0].values()[0] -%}
        {%- else -%}
            {%- set lines = run_query(
                'select count(*) from input_lines where file = ' ~ text_literal(file.path)
            ).columns[0].values()[0] -%}
        {%- endif -%}
        {%- set read = run_query(
            'select coalesce(sum(line_count), 0) from input_records where file = ' ~ text_literal(file.path)
        ).columns[0].values()[0] -%}
        {%- if lines | int != read | int -%}
            {%- do refuse_file(name, file.path, 'has ' ~ lines ~ ' lines, but ' ~ read ~ ' were read: export it as Parquet,'
                ~ ' and report this') -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro store_unreadable_lines(name) %}
    {%- do run_query(
        'insert into ' ~ target.schema ~ '.unreadable_lines (source_name, file_name, line_number, line_text, reason)'
        ~ " select '" ~ name ~ "', parse_filename(file), line_number, line, reason from input_records where kind = 'unreadable'"
    ) -%}
{% endmacro %}


{% macro forget_loaded_input(name) %}
    {%- do run_query(
        'delete from ' ~ loaded_inputs() ~ ".loaded_files where source_name = '" ~ name ~ "';"
        ~ ' delete from ' ~ target.schema ~ ".unreadable_lines where source_name = '" ~ name ~ "';"
        ~ ' drop table if exists ' ~ loaded_inputs() ~ '.' ~ name
    ) -%}
{% endmacro %}


{% macro store_json_rows(input) %}
    {%- do run_query(
        "create or replace temp table input_records as select file, line_number, 1 as line_count, line, case"
        ~ " when trim(line) = '' then 'blank' when json_valid(line) and json_type(line) = 'OBJECT' then 'row' else 'unreadable'"
        ~ " end as kind, 'the line is no JSON object' as reason from input_lines"
    ) -%}
    {%- set first = run_query(
        "select file, ltrim(line)[1] from input_records where kind != 'blank' order by file, line_number limit 1"
    ).rows -%}
    {%- if first and first[0][1] != '{' -%}
        {%- do refuse_file(input.name, first[0][0], 'is not newline-delimited JSON: export it with one object on each line') -%}
    {%- endif -%}
    {%- set keys = run_query(
        "select distinct unnest(json_keys(line)) from input_records where kind = 'row' order by 1"
    ).columns[0].values() -%}
    {%- set columns = {} -%}
    {%- for key in keys -%}
        {%- do columns.setdefault(key | lower, "json_extract_string(line, " ~ text_literal('$."' ~ key ~ '"') ~ ") as " ~ quoted_name(key | lower)) -%}
    {%- endfor -%}
    {%- do run_query(
        'create or replace table ' ~ loaded_inputs() ~ '.' ~ input.name ~ ' as select '
        ~ (columns.values() | join(', ') or "null as no_column") ~ " from input_records where kind = 'row'"
    ) -%}
{% endmacro %}


{% macro quoted_name(name) %}
    {{- return('"' ~ name.replace('"', '""') ~ '"') -}}
{% endmacro %}
