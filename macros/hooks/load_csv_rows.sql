{#- DuckDB only: the rows of CSV lines (input_lines), stored under the names of their header. A row may go on over
    line ends within quotes, and a line with column names in the middle of a file begins a section of its own. #}
{% macro store_csv_rows(input) %}
    {%- do check_first_lines(input) -%}
    {%- do run_query(find_csv_records(input.columns)) -%}
    {%- set headers = run_query(
        "select file, line_number, to_json(names) from input_records where kind = 'header' order by file, line_number"
    ).rows -%}
    {%- set layouts = {} -%}
    {%- for header in headers -%}
        {%- set names = fromjson(header[2]) -%}
        {%- do check_header(input, header[0], header[1], names) -%}
        {%- do layouts.update({header[2]: names}) -%}
    {%- endfor -%}
    {%- set selects = [] -%}
    {%- for layout, names in layouts.items() -%}
        {%- set columns = [] -%}
        {%- for name in names if name != '' -%}
            {%- do columns.append(csv_value('values[' ~ (names.index(name) + 1) ~ ']') ~ ' as ' ~ quoted_name(name)) -%}
        {%- endfor -%}
        {%- do selects.append(
            'select ' ~ columns | join(', ') ~ " from input_records where kind = 'row'"
            ~ (' and to_json(names) = ' ~ text_literal(layout) if layouts | length > 1 else '')
        ) -%}
    {%- endfor -%}
    {%- do run_query(
        'create or replace table ' ~ loaded_inputs() ~ '.' ~ input.name ~ ' as ' ~ selects | join(' union all by name ')
    ) -%}
{% endmacro %}


{#- The first line says how the file is written; only commas will do, since a spreadsheet that writes semicolons
    writes decimal commas too. #}
{% macro check_first_lines(input) %}
    {%- for row in run_query(
        "select file, arg_min(line, line_number) as line from input_lines where trim(line) != '' group by file order by file"
    ).rows -%}
        {%- set found = {} -%}
        {%- for delimiter, word in {',': 'commas', ';': 'semicolons', '\t': 'tabs', '|': 'bars'}.items() -%}
            {%- for name in row[1].split(delimiter) if name.strip('" \t\ufeff') | lower in input.columns -%}
                {%- do found.update({word: found.get(word, 0) + 1}) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- set best = (found | dictsort(by='value') | last | default([''], true))[0] -%}
        {%- if best == '' -%}
            {%- do refuse_file(input.name, row[0], 'does not begin with a line of column names: export it with a header,'
                ~ ' as listed in models/staging/_sources.yml') -%}
        {%- elif best != 'commas' and found[best] > found.get('commas', 0) -%}
            {%- do refuse_file(input.name, row[0], 'is separated by ' ~ best ~ ': export it with commas (in a spreadsheet,'
                ~ ' CSV UTF-8 with English number formats), or as Parquet') -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}


{% macro check_header(input, file, line_number, names) %}
    {%- set place = 'line ' ~ line_number -%}
    {%- for name in names if name != '' and names | select('equalto', name) | list | length > 1 -%}
        {%- do refuse_file(input.name, file, 'names the column ' ~ name ~ ' twice in ' ~ place ~ ': remove one of them') -%}
    {%- endfor -%}
    {%- set missing = [] -%}
    {%- for name, column in input.columns.items() if name not in names and not column.config.meta.get('optional') -%}
        {%- do missing.append(name) -%}
    {%- endfor -%}
    {%- if missing -%}
        {% do exceptions.raise_compiler_error(
            "input table " ~ input.name ~ " lacks the column" ~ ("s " if missing | length > 1 else " ") ~ missing | join(", ")
            ~ " in " ~ file ~ ", " ~ place ~ ": export it with all the columns listed in models/staging/_sources.yml"
        ) %}
    {%- endif -%}
{% endmacro %}


{#- A value without its quotes; nothing is NULL. #}
{% macro csv_value(value) -%}
    nullif(case when starts_with({{ value }}, '"') then replace({{ value }}[2:-2], '""', '"') else {{ value }} end, '')
{%- endmacro %}


{#- The values of a row, with their quotes. #}
{% macro csv_values(text) -%}
    case
        when contains({{ text }}, '"')
            then regexp_extract_all(',' || {{ text }}, ',("(?:[^"]|"")*"|[^,]*)', 1)
        else string_split({{ text }}, ',')
    end
{%- endmacro %}


{#- The lines put together to rows, as input_records.

    What a line does depends on whether it begins within quotes, which depends on the line before. So each line is
    judged twice, `alone` and `within` quotes. Where both judgements lead to the same state, or a line makes no sense
    within quotes, the state after it is known without the lines before; from there on it is enough to count the
    lines that change it. A line of column names always begins anew. Lines of a row that cannot be read are judged
    once more, each by itself. #}
{% macro find_csv_records(columns) -%}
    {%- set begun = '"(?:[^"]|"")*' -%}
    {%- set value = '(?:' ~ begun ~ '"|(?:[^",][^,]*)?)' -%}
    {#- After a quote that a line before opened, a quote within a plain value is a sign that it was never closed. -#}
    {%- set rest = '(?:[^"]|"")*"(?:,(?:' ~ begun ~ '"|[^",]*))*' -%}
    {%- set names = "'" ~ columns | join("', '") ~ "'" %}
    create or replace temp table input_records as
    with

    {#- The first line of a file, and any with three of the column names; only one with the first is looked at. #}
    possible_headers as (
        select
            line_id,
            list_transform(
                {{ csv_values('line') }}, lambda name: lower(trim(name, '" ' || chr(9) || chr(65279)))
            ) as names
        from input_lines
        where
            contains(lower(line), '{{ columns | first }}')
            or line_id in (select min(line_id) from input_lines where trim(line) != '' group by file)
    ),

    headers as materialized (
        select
            line_id,
            names
        from possible_headers
        where
            len(list_intersect(names, [{{ names }}])) >= 3
            or line_id in (select min(line_id) from input_lines where trim(line) != '' group by file)
    ),

    classified as (
        select
            input_lines.line_id,
            headers.line_id is not null as is_header,
            case
                when not contains(line, '"') or regexp_full_match(line, '{{ value }}(?:,{{ value }})*') then 'whole'
                when regexp_full_match(line, '(?:{{ value }},)*{{ begun }}') then 'begun'
                else 'broken'
            end as alone,
            case
                when headers.line_id is not null then 'broken'
                when not contains(line, '"') or regexp_full_match(line, '(?:[^"]|"")*') then 'within'
                when regexp_full_match(line, '{{ rest }}') then 'ended'
                when regexp_full_match(line, '{{ rest }},{{ begun }}') then 'within'
                else 'broken'
            end as within
        from input_lines
        left join headers on input_lines.line_id = headers.line_id
    ),

    moves as (
        select
            *,
            alone = 'begun' as goes_on_alone,
            case within when 'broken' then alone = 'begun' else within = 'within' end as goes_on_within
        from classified
    ),

    counted as (
        select
            *,
            sum(case when goes_on_alone and not goes_on_within then 1 else 0 end) over (order by line_id) % 2 as parity,
            max(case when is_header then line_id end) over (order by line_id) as header_id
        from moves
    ),

    {#- The last line after which the state is known, with that state and the parity there in its last two bits. #}
    anchored as (
        select
            *,
            max(case
                when goes_on_alone = goes_on_within then line_id * 4 + parity * 2 + cast(goes_on_alone as bigint)
            end) over (order by line_id) as anchor
        from counted
    ),

    states as (
        select
            *,
            (coalesce(anchor, 0) % 2 + coalesce(anchor, 0) // 2 + parity) % 2 = 1 as goes_on
        from anchored
    ),

    linked as (
        select
            *,
            within != 'broken' and coalesce(lag(goes_on) over (order by line_id), false) as is_continuation
        from states
    ),

    numbered as materialized (
        select
            line_id,
            header_id,
            is_header,
            alone,
            within,
            is_continuation,
            is_continuation or coalesce(lead(is_continuation) over (order by line_id), false) as is_of_many,
            max(case when not is_continuation then line_id end) over (order by line_id) as first_id
        from linked
    ),

    joined as (
        select
            numbered.first_id,
            count(*) as line_count,
            string_agg(input_lines.line, chr(10) order by input_lines.line_id) as line,
            any_value(numbered.header_id) as header_id,
            arg_max(numbered.within, numbered.line_id) = 'ended' as is_ended
        from numbered
        inner join input_lines on numbered.line_id = input_lines.line_id
        where numbered.is_of_many
        group by numbered.first_id
    ),

    long_rows as materialized (
        select
            joined.first_id,
            joined.line_count,
            headers.names,
            {{ csv_values('joined.line') }} as values
        from joined
        inner join headers on joined.header_id = headers.line_id
        where joined.is_ended and len({{ csv_values('joined.line') }}) = len(headers.names)
    ),

    single_lines as (
        select
            input_lines.*,
            headers.names,
            numbered.is_header,
            numbered.alone,
            numbered.is_continuation,
            {{ csv_values('input_lines.line') }} as values
        from input_lines
        inner join numbered on input_lines.line_id = numbered.line_id
        left join headers on numbered.header_id = headers.line_id
        where not numbered.is_of_many or numbered.first_id not in (select first_id from long_rows)
    ),

    final as (
        select
            input_lines.file,
            input_lines.line_number,
            long_rows.line_count,
            'row' as kind,
            null as reason,
            null as line,
            long_rows.names,
            long_rows.values
        from long_rows
        inner join input_lines on long_rows.first_id = input_lines.line_id

        union all

        select
            file,
            line_number,
            1 as line_count,
            case
                when is_header then 'header'
                when trim(line) = '' then 'blank'
                when alone = 'whole' and len(values) = len(names) then 'row'
                else 'unreadable'
            end as kind,
            case
                when is_continuation then 'the line belongs to a row that cannot be read'
                when alone = 'begun' then 'a quote is opened and not closed'
                when alone = 'broken' then 'text stands before or after a quoted value'
                else 'the line has ' || len(values) || ' values, its header ' || len(names)
            end as reason,
            case when alone != 'whole' or len(values) != len(names) then line end as line,
            names,
            values
        from single_lines
    )

    select * from final
{%- endmacro %}
