{#- How the two big incremental models replace the dates that a run re-evaluates, whole: outcomes that
    are none at this run's as_of have to go, which a merge cannot do. What must stay, the model's own query
    takes along. The first date is known at run time only, and dbt fixes a model's config when it parses,
    so the date is not in the config. #}
{% macro replace_window_strategy() %}
    {{- return(adapter.dispatch('replace_window_strategy', 'eros')()) -}}
{% endmacro %}

{% macro default__replace_window_strategy() %}
    {{- return('insert_overwrite') -}}
{% endmacro %}

{% macro duckdb__replace_window_strategy() %}
    {{- return('replace_window') -}}
{% endmacro %}


{#- The first local date that this run re-evaluates, as a SQL date literal.

    Normally the look-back's. If the table was last built for an earlier date, after an outage or after a
    run at a past moment, the window reaches back to the look-back of that date, so that nothing matures,
    arrives or is taken back unseen. What the table holds is looked at as well: it may be an older copy that
    was put back. `lag_days` is how far its newest date normally lies behind its run. `since` (a backfill)
    reaches further, never less far. A full refresh, a change of the rule for keys, and a table that nobody
    noted a date for, begin at the beginning. Equal whenever it is asked in a run: of the window_facts `noted`, what
    this run notes itself is not looked at. While an input is refused, no outcome is evaluated at all: with
    half a bank, say, a text would be credited to another caption. #}
{% macro first_reevaluated_date(relation, lag_days, noted) %}
    {%- if relation.identifier == 'message_outcomes' and is_input_refused() -%}
        {{ return("date '9999-12-31'") }}
    {%- endif -%}
    {%- set lookback = modules.datetime.timedelta(days=var('message_lookback_days') - 1) -%}
    {%- set newest = newest_sending_date(relation) -%}
    {%- set built_for = noted.before.get(relation.identifier ~ '_built_for', '') -%}
    {%- set keyed_by = noted.before.get(relation.identifier ~ '_keyed_by', '') -%}
    {%- if flags.FULL_REFRESH or newest is none or built_for == '' or keyed_by != caption_key_version() -%}
        {{ return("date '1970-01-01'") }}
    {%- endif -%}
    {%- set last_run_next_day = newest + modules.datetime.timedelta(days=lag_days) -%}
    {%- set last_run = modules.datetime.date.fromisoformat(built_for) -%}
    {%- set candidates = [execution_date_value() - lookback, last_run_next_day - lookback, last_run - lookback] -%}
    {%- set since = run_parameter('since') -%}
    {%- if since != '' -%}
        {%- do candidates.append(modules.datetime.date.fromisoformat(since)) -%}
    {%- endif -%}
    {%- set changed_from = noted.now.get('messages_changed_from', '') if relation.identifier == 'message_outcomes' else '' -%}
    {%- if changed_from != '' -%}
        {%- do candidates.append(modules.datetime.date.fromisoformat(changed_from)) -%}
    {%- endif -%}
    {{ return("date '" ~ (candidates | min).isoformat() ~ "'") }}
{% endmacro %}


{#- Whether so much of an input cannot be used that nothing may be learnt, see input_stops. #}
{% macro is_input_refused() %}
    {%- set stops = adapter.get_relation(target.database, target.schema, 'input_stops') if execute else none -%}
    {{ return(stops is not none and run_query("select source_name from " ~ stops ~ " limit 1").rows | length > 0) }}
{% endmacro %}


{#- Whether the keys that a table was last built with are by another rule than today's. #}
{% macro has_other_keys(relation, noted) %}
    {{ return(noted.before.get(relation.identifier ~ '_keyed_by', '') != caption_key_version()) }}
{% endmacro %}


{#- What project_state says about the windows: `now`, and `before` this run began. #}
{% macro window_facts() %}
    {%- set facts = {'now': {}, 'before': {}} -%}
    {%- if has_project_state() -%}
        {%- set newest = "select fact, " ~ latest_value('value', 'noted_at', 'job_id') ~ " as value, '" -%}
        {%- set known = "' as known from " ~ api.Relation.create(target.database, target.schema, 'project_state')
            ~ " where fact in ('mass_messages_checked_built_for', 'message_outcomes_built_for',"
            ~ " 'messages_read_from', 'messages_changed_from', 'mass_messages_checked_keyed_by',"
            ~ " 'message_outcomes_keyed_by')" -%}
        {%- for row in run_query(
            newest ~ "now" ~ known ~ " group by fact union all "
            ~ newest ~ "before" ~ known ~ " and job_id != '" ~ invocation_id ~ "' group by fact"
        ).rows -%}
            {%- do facts[row[2]].update({row[0]: row[1]}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(facts) }}
{% endmacro %}


{% macro newest_sending_date(relation) %}
    {%- if not execute -%}
        {{ return(none) }}
    {%- endif -%}
    {%- set horizon = var('stats_window_days') + var('median_window_days') -%}
    {%- set newest = run_query(
        "select max(sending_date) from " ~ relation
        ~ " where sending_date between " ~ execution_date(-horizon) ~ " and " ~ execution_date()
    ).columns[0].values()[0] -%}
    {{ return(newest) }}
{% endmacro %}


{#- dbt finds an incremental strategy by this name. #}
{% macro get_incremental_replace_window_sql(arg_dict) %}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    {%- set first_date = first_reevaluated_date(
        arg_dict['target_relation'], config.require('meta').window_lag_days, window_facts()
    ) -%}
    delete from {{ arg_dict['target_relation'] }}
    where sending_date >= {{ first_date }} or sending_date is null;

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }}
{% endmacro %}


{#- The same on BigQuery: dbt-bigquery calls this for `insert_overwrite`. Its own version wants a list of
    partitions when it parses, or finds one by reading the new rows first; a constant bound scans just
    the partitions that it replaces. One MERGE, so that a killed job has changed nothing. #}
{% macro bq_insert_overwrite_sql(
    tmp_relation, target_relation, sql, unique_key, partition_by, partitions, dest_columns, tmp_relation_exists, copy_partitions
) %}
    {%- set first_date = first_reevaluated_date(
        target_relation, config.require('meta').window_lag_days, window_facts()
    ) -%}
    {%- set field = 'DBT_INTERNAL_DEST.' ~ partition_by.field -%}
    {{ get_insert_overwrite_merge_sql(
        target_relation,
        bq_static_select_insert_overwrite_sql(tmp_relation, sql, partition_by, tmp_relation_exists),
        dest_columns,
        ['(' ~ field ~ ' >= ' ~ first_date ~ ' or ' ~ field ~ ' is null)'],
        include_sql_header=not tmp_relation_exists
    ) }}
{% endmacro %}


{#- Keeps a merge from scanning the whole history of its table: dbt-bigquery asks for this predicate
    whenever it merges, and it is the one place where a bound that is known at run time can enter. #}
{% macro predicate_for_avoid_require_partition_filter(target='DBT_INTERNAL_DEST') %}
    {%- set partition = config.get('partition_by') -%}
    {%- if partition and config.get('meta', {}).get('merges_recent_dates_only') -%}
        {%- set bound = execution_date(-var('message_lookback_days'))
            if partition.data_type == 'date' else as_of(minus_days=var('message_lookback_days') + 2) -%}
        {{ return(target ~ '.' ~ partition.field ~ ' >= ' ~ bound) }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}


{#- dbt-duckdb reads BigQuery's partition_by as its own and refuses the dict; DuckDB has no
    partitions. #}
{% macro duckdb__get_partitioned_by(relation, temporary) %}
    {{- return(none) -}}
{% endmacro %}
