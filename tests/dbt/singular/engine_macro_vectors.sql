{#- Every macro of macros/engine that renders differently per engine, against a value that any engine
    must give: a row of the result is a vector that is off. Those that define functions are proved
    by function_vectors, those that replace dates of a table by the incremental models. #}

{%- set moment = "timestamp '2025-06-15 06:59:59'" %}
{%- set winter = "timestamp '2025-01-15 07:59:59'" %}
{%- set nowhere = api.Relation.create(target.database, target.schema, 'there_is_no_such_table') %}

{#- (macro and case, what it renders, the value) #}
{%- set vectors = [
    ('add_days: into a leap day', add_days("date '2024-02-28'", 1), "date '2024-02-29'"),
    ('add_days: backwards', add_days("date '2025-01-01'", -1), "date '2024-12-31'"),
    ('array_has: held', array_has("['a', 'b']", "'b'"), 'true'),
    ('array_has: not held', array_has("['a', 'b']", "'c'"), 'false'),
    ('as_of: moved by a day', as_of(minus_days=1), as_of(minus_hours=24)),
    ('clean_text: case', clean_text("'Pine_Creek'"), "'pine_creek'"),
    ('clean_text: white space of every kind', clean_text("'\u00a0 Some\u2003\u0085 Page\u3000'"), "'some page'"),
    ('clean_text: what nobody sees', clean_text("'pine\u200b_cr\u00adeek\u200d\ufe0f'"), "'pine_creek'"),
    ('clean_text: composed', clean_text("'CAFE\u0301'"), "'caf\u00e9'"),
    ('clean_text: nothing left', clean_text("' \u200b '"), 'cast(null as string)'),
    ('clean_text: empty', clean_text("''"), 'cast(null as string)'),
    ('clean_text: NULL', clean_text('cast(null as string)'), 'cast(null as string)'),
    ('readable_text: a tag', readable_text("'so<BR/>fr<b class=\"x\">ee</b >'", '_'), "'so_fr_ee_'"),
    ('readable_text: no tag', readable_text("'tip <menu: $5> me, so <wet>, I <3 you, a < b > c, <b'"),
        "'tip <menu: $5> me, so <wet>, I <3 you, a < b > c, <b'"),
    ('readable_text: a tag of entities', readable_text("'&lt;b&gt;fr&#114;ee'", ''), "'frree'"),
    ('readable_text: plain', readable_text("'so free'"), "'so free'"),
    ('folded_text: a tag in a word', folded_text("'fr<b>ee</b> clip'", ''), "'free clip'"),
    ('current_moment: after this project was begun', current_moment() ~ " > timestamp '2025-06-15 00:00:00'", 'true'),
    ('current_moment: UTC', 'abs(' ~ hours_between(current_moment(), timestamp_literal(run_started_at)) ~ ') < 0.9', 'true'),
    ('execution_date: the local date of as_of', local_date(as_of()), execution_date()),
    ('execution_date: moved', execution_date(7), add_days(execution_date(), 7)),
    ('hex_sha256: UTF-8', hex_sha256("'é'"), "'4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c'"),
    ('hex_md5: UTF-8', hex_md5("'é'"), "'66ddcd97cfdeabb2f6fb8a999b4bc76f'"),
    ('hours_between: over a clock change', hours_between("timestamp '2025-03-09 00:30:00'", "timestamp '2025-03-10 00:00:00'"), '23.5e0'),
    ('hours_between: backwards', hours_between("timestamp '2025-03-09 01:30:00'", "timestamp '2025-03-09 00:00:00'"), '-1.5e0'),
    ('integer_from_hex: 13 digits', integer_from_hex("'fffffffffffff'"), '4503599627370495'),
    ('is_finite: a number', is_finite('1e308'), 'true'),
    ('is_finite: NaN', is_finite("cast('nan' as float64)"), 'false'),
    ('is_finite: infinite', is_finite("cast('-inf' as float64)"), 'false'),
    ('is_finite: NULL', is_finite('cast(null as float64)'), 'cast(null as bool)'),
    ('iso_week', iso_week("date '2025-06-15'"), "'2025-W24'"),
    ('iso_week: of the next year', iso_week("date '2024-12-30'"), "'2025-W01'"),
    ('iso_week: of the year before', iso_week("date '2027-01-03'"), "'2026-W53'"),
    ('iso_weekday: a Monday', iso_weekday("date '2025-06-16'"), '1'),
    ('iso_weekday: a Sunday', iso_weekday("date '2025-06-15'"), '7'),
    ('join_texts: NULLs left out', join_texts(["'a'", 'cast(null as string)', "'b'"]), "'a; b'"),
    ('join_texts: nothing', join_texts(['cast(null as string)']), 'cast(null as string)'),
    ('local_date: before midnight in summer', local_date(moment), "date '2025-06-14'"),
    ('local_date: midnight in summer', local_date("timestamp '2025-06-15 07:00:00'"), "date '2025-06-15'"),
    ('local_date: before midnight in winter', local_date(winter), "date '2025-01-14'"),
    ('local_hour: summer', local_hour(moment), '23'),
    ('local_hour: winter', local_hour(winter), '23'),
    ('local_hour: the hour after the clocks went forward', local_hour("timestamp '2025-03-09 10:00:00'"), '3'),
    ('local_hour: an hour that comes twice', local_hour("timestamp '2025-11-02 09:30:00'"), '1'),
    ('nfc: composed', nfc("'e\u0301'"), "'\u00e9'"),
    ('nan_as_null: NaN', nan_as_null("cast('nan' as float64)"), 'cast(null as float64)'),
    ('nan_as_null: a number', nan_as_null('1.5e0'), '1.5e0'),
    ('nan_as_null: infinite', nan_as_null("cast('inf' as float64)") ~ ' > 0', 'true'),
    ('read_id: digits', read_id("' -9223372036854775808 '"), 'cast(\'-9223372036854775808\' as int64)'),
    ('read_id: a float that is exact', read_id('123456789012e0'), '123456789012'),
    ('read_id: a whole number', read_id('7'), '7'),
    ('read_id: no whole number', read_id("'7.5'"), 'cast(null as int64)'),
    ('read_id: beyond 64 bits', read_id("'9223372036854775808'"), 'cast(null as int64)'),
    ('read_id: digits lost', read_id("'1.23457E+17'"), 'cast(null as int64)'),
    ('read_id: a float that is not exact', read_id('123456789012345678e0'), 'cast(null as int64)'),
    ('read_time: no zone', read_time("'2025-10-31 14:46:05'"), "timestamp '2025-10-31 14:46:05'"),
    ('read_time: no seconds', read_time("'2025-10-31T14:46Z'"), "timestamp '2025-10-31 14:46:00'"),
    ('read_time: no seconds, an offset', read_time("'2025-10-31 14:46 +05:30'"), "timestamp '2025-10-31 09:16:00'"),
    ('read_time: UTC', read_time("' 2025-10-31 14:46:05.25 utc '"), "timestamp '2025-10-31 14:46:05.25'"),
    ('read_time: GMT', read_time("'2025-10-31 14:46:05 GMT'"), "timestamp '2025-10-31 14:46:05'"),
    ('read_time: an offset without a colon', read_time("'2025-10-31T14:46:05-0800'"), "timestamp '2025-10-31 22:46:05'"),
    ('read_time: an offset of hours', read_time("'2025-10-31T14:46:05+01'"), "timestamp '2025-10-31 13:46:05'"),
    ('read_time: nanoseconds', read_time("'2025-10-31T14:46:05.123456789Z'"), "timestamp '2025-10-31 14:46:05.123456'"),
    ('read_time: a date', read_time("'2025-10-31'"), "timestamp '2025-10-31 00:00:00'"),
    ('read_time: a type of time', read_time("timestamp '2025-10-31 14:46:05.5'"), "timestamp '2025-10-31 14:46:05.5'"),
    ('read_time: a year of two digits', read_time("'14/6/25 10:00'"), 'cast(null as timestamp)'),
    ('read_time: two digits, ISO order', read_time("'25-06-14 10:00:00'"), 'cast(null as timestamp)'),
    ('read_time: BST', read_time("'2025-06-12 10:00:00 BST'"), 'cast(null as timestamp)'),
    ('read_time: PST', read_time("'2025-06-12 10:00:00 PST'"), 'cast(null as timestamp)'),
    ('read_time: a place', read_time("'2025-06-12 10:00:00 America/Los_Angeles'"), 'cast(null as timestamp)'),
    ('read_time: no such day', read_time("'2025-02-30 10:00:00'"), 'cast(null as timestamp)'),
    ('read_time: words', read_time("'now'"), 'cast(null as timestamp)'),
    ('read_time: NULL', read_time('cast(null as string)'), 'cast(null as timestamp)'),
    ('replace_pattern: every match', replace_pattern("'a-b-c'", '-', '+'), "'a+b+c'"),
    ('replace_pattern: a class of Unicode', replace_pattern("'né 1!'", '[^\\p{L}]', ''), "'né'"),
    ('struct_of', '(' ~ struct_of({'x': '1', 'y': '2'}) ~ ').y', '2'),
    ('text_literal: quotes and backslashes', 'length(' ~ text_literal('it\'s "\\d"') ~ ')', '9'),
    ('text_literal: beyond the basic plane', text_literal('🔥'), "'🔥'"),
    ('text_literal: a line break', 'length(' ~ text_literal('a\nb') ~ ')', '3'),
    ('timestamp_literal: UTC', timestamp_literal(modules.datetime.datetime.fromisoformat('2025-06-15T02:00:00+02:00')),
        "timestamp '2025-06-15 00:00:00'"),
    ('try_cast_as: a number', try_cast_as("'12'", 'int64'), '12'),
    ('try_cast_as: no number', try_cast_as("'twelve'", 'int64'), 'cast(null as int64)'),
    ('try_cast_as: a time with an offset', try_cast_as("'2025-06-15 02:00:00+02:00'", 'timestamp'),
        "timestamp '2025-06-15 00:00:00'"),
    ('loose_name', loose_name("'@some –_page-'"), "'somepage'"),
    ('any_element: one', any_element("['a', 'b']", "element = 'b'"), 'true'),
    ('any_element: none', any_element("['a', 'b']", "element = 'c'"), 'false'),
    ('clean_names', 'array_to_string(' ~ clean_names("[' B', '', 'A ']") ~ ", '|')", "'a|b'"),
    ('pattern_forms', 'array_to_string(' ~ pattern_forms("['', 'b', 'a​', '[​]']") ~ ", '|')",
        "'[​]|a|a​|b'"),
    ('try_string_array', 'coalesce(' ~ array_has(try_string_array("['a', 'b']"), "'b'") ~ ', false)', 'true'),
    ('utc_from_local: the day the clocks go forward', utc_from_local("date '2025-03-09'", 8),
        "timestamp '2025-03-09 15:00:00'"),
    ('utc_from_local: the day before', utc_from_local("date '2025-03-08'", 8), "timestamp '2025-03-08 16:00:00'"),
    ('utc_from_local: the day the clocks go back', utc_from_local("date '2025-11-02'", 23),
        "timestamp '2025-11-03 07:00:00'"),
    ('weekday_name', weekday_name("date '2025-06-15'"), "'Sunday'"),
    ('array_has: a NULL array', '(select ' ~ array_has('words', "'a'") ~ ' from null_array)', 'false'),
    ('exact_sum: whatever the order', '(select ' ~ exact_sum('term') ~ ' from terms)', '0.75e0'),
    ('integer_series: both ends', '(select sum(n) from ' ~ integer_series(3, 5, 'n') ~ ')', '12'),
    ('is_dead_run: an old one', '(select ' ~ is_dead_run() ~ ' from old_run)', 'true'),
    ('latest_value: the second key breaks the tie',
        '(select ' ~ latest_value('v', 'k1', 'k2') ~ ' from versions)', '30'),
    ('matches_pattern: a match',
        "(select count(*) from patterns where " ~ matches_pattern("'so free'", 'pattern') ~ ')', '1'),
    ('matches_pattern: a pattern that does not compile',
        "(select count(*) from patterns where " ~ matches_pattern("'so free'", 'pattern') ~ ' is null)', '1'),
    ('pattern_matches',
        '(select min(caption_id) from (' ~ pattern_matches(nowhere, 'patterns', 'captions') ~ ') as found)', '2'),
    ('random_uniform: at least 0', '(select min(u) >= 0 and max(u) < 1 from randoms)', 'true'),
    ('random_uniform: not the same twice', '(select count(distinct u) > 90 from randoms)', 'true'),
    ('rolling_median: the dates of the window', "(select median from medians where day = date '2025-06-03')", '3e0'),
    ('rolling_median: exact between two values', "(select median from medians where day = date '2025-06-02')", '2e0'),
    ('rolling_median: other pages apart', "(select median from medians where page_name = 'luna')", '50e0'),
    ('row_as_json', "(select " ~ row_as_json('old_run_names') ~ ' from old_run_names)', "'{\"job_name\":\"x\"}'"),
    ('without_catalogue: SQL that names no relation stays', without_catalogue("'a.b.c'"), "'a.b.c'"),
    ('sent_not_before: a day of slack, no time is kept',
        '(select count(*) from sendings where ' ~ sent_not_before(nowhere, 'sent', "date '2025-06-10'") ~ ')', '2'),
    ('undo_entities: those with a name', undo_entities("'&lt;&gt;&quot;&apos;&nbsp;&amp;&copy;'"),
        text_literal('<>"\'\u00a0&&copy;')),
    ('undo_entities: numbers', undo_entities("'&#65;&#000000065;&#x42;&#X1f525;&#33;'"), "'AAB🔥!'"),
    ('undo_entities: once', undo_entities("'&amp;lt; &#38;lt; &amp;#65;'"), "'&lt; &lt; &#65;'"),
    ('undo_entities: what is no code point',
        undo_entities("'&#55296; &#xdfff; &#1114112; &#x110000; &#999999999; &#xfffffff;'"),
        "'&#55296; &#xdfff; &#1114112; &#x110000; &#999999999; &#xfffffff;'"),
    ('undo_entities: the last code point', undo_entities("'&#1114111;&#x10FFFF;'"), text_literal('\U0010ffff\U0010ffff')),
    ('undo_entities: what is no entity', undo_entities("'& &# &#; &#x; &lt &#65 &#6a; && AT&T &LT;'"),
        "'& &# &#; &#x; &lt &#65 &#6a; && AT&T &LT;'"),
    ('undo_entities: line breaks', 'length(' ~ undo_entities(text_literal('a\n&lt;\n')) ~ ')', '4'),
    ('undo_entities: nothing', undo_entities("''"), "''"),
    ('unnest_as', '(select max(word) from two_words cross join ' ~ unnest_as('two_words.words', 'word') ~ ')', "'b'"),
] %}

{%- set styles = {
    'so free, for 20 % less! 🔥': ['so free, for 20 % less! 🔥'],
    'FREE': ['𝗙𝗥𝗘𝗘', '𝓕𝓡𝓔𝓔', 'ＦＲＥＥ', 'ⒻⓇⒺⒺ', '🄵🅁🄴🄴', '🅕🅡🅔🅔', '🅵🆁🅴🅴', '🇫🇷🇪🇪', '🄕🄡🄔🄔', 'ℱℛℰℰ'],
    'free': ['𝖋𝖗𝖊𝖊', 'ｆｒｅｅ', 'ⓕⓡⓔⓔ', '⒡⒭⒠⒠', 'ꜰʀᴇᴇ', 'ᶠʳᵉᵉ', '&#119839;ree'],
    'so free': ['so<br>free'],
    'free ': ['f\u200br\u00ade\u200de\u2060', 'f&#8203;r&#xad;ee', 'fr\u200bee', 'f&#114;ee'],
    'fr ee': ['fr<b>ee'],
    'last chance': ['\u00a0last&nbsp;\u2003chance\n', 'last\nchance', 'last  chance'],
    'free caf\u00e9': ['f\u0336r\u0336e\u20dde\ufe0f caf\u00e9'],
    '20': ['𝟮𝟬', '２０', '②⓪', '²⁰', '₂₀'],
} %}
{#- All words through one rendering: it is long. The first has no other form. #}
{%- do vectors.append((
        'folded_text and has_other_forms',
        '(select count(*) from styled_words where ' ~ folded_text('word') ~ ' is distinct from plain or '
        ~ has_other_forms('word') ~ ' is distinct from (word != plain))',
        '0'
    )) %}

{#- Each state table is there with the columns that create_state_table gave it. #}
{%- for table in operations_tables() %}
{%- set relation = source('operations', table.name) %}
{%- set counted = [] %}
{%- for column in table.columns %}
{%- do counted.append('count(' ~ adapter.quote(column.split(' ')[0]) ~ ')') %}
{%- endfor %}
{%- do vectors.append((
        'create_state_table: ' ~ table.name,
        '(select ' ~ counted | join(' + ') ~ ' from ' ~ relation ~ ' where false)',
        '0'
    )) %}
{%- endfor %}

with

null_array as (

    select cast(null as {{ 'string[]' if target.type == 'duckdb' else 'array<string>' }}) as words

),

two_words as (

    select ['a', 'b'] as words

),

terms as (

    select 0.25e0 as term
    union all
    select 1e16 as term
    union all
    select 0.5e0 as term
    union all
    select -1e16 as term

),

old_run as (

    select
        'x' as job_name,
        timestamp '2000-01-01 00:00:00' as job_start_time

),

old_run_names as (

    select job_name from old_run

),

versions as (

    select
        10 as v,
        1 as k1,
        9 as k2
    union all
    select
        20 as v,
        2 as k1,
        1 as k2
    union all
    select
        30 as v,
        2 as k1,
        2 as k2

),

patterns as (

    select 'fr(e+)$' as pattern
    union all
    select 'fr(e+' as pattern

),

captions as (

    select
        1 as caption_id,
        'paid' as caption_text
    union all
    select
        2 as caption_id,
        'so free' as caption_text

),

randoms as (

    select {{ random_uniform() }} as u
    from {{ integer_series(1, 100, 'attempt') }}

),

emvs as (

    select
        'nova' as page_name,
        date '2025-06-01' as day,
        1e0 as emv
    union all
    select
        'nova' as page_name,
        date '2025-06-02' as day,
        3e0 as emv
    union all
    select
        'nova' as page_name,
        date '2025-06-03' as day,
        9e0 as emv
    union all
    select
        'nova' as page_name,
        date '2025-06-03' as day,
        2e0 as emv
    union all
    select
        'luna' as page_name,
        date '2025-06-04' as day,
        50e0 as emv

),

medians as (

    {{ rolling_median('emvs', 'emv', 'day', 2, 'median') }}

),

sendings as (

    select timestamp '2025-06-09 00:00:00' as sent
    union all
    select timestamp '2025-06-08 23:59:59' as sent
    union all
    select cast(null as timestamp) as sent

),

styled_words as (
    {% for plain, words in styles.items() %}
    {%- set is_last = loop.last %}
    {%- for word in words %}
    select
        {{ text_literal(plain | trim) }} as plain,
        {{ text_literal(word) }} as word
    {{ 'union all' if not (is_last and loop.last) }}
    {%- endfor %}
    {%- endfor %}

),

compared as (
    {#- Those of the wall clock are of Los Angeles. #}
    {% for vector, rendered, expected in vectors
        if var('timezone') == 'America/Los_Angeles'
        or vector.split(':')[0] not in ['local_date', 'local_hour', 'utc_from_local'] %}
    select
        {{ text_literal(vector) }} as vector,
        (({{ rendered }}) is distinct from ({{ expected }})) as is_off
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

final as (

    select vector
    from compared
    where is_off

)

select * from final
