{#- How the two big incremental models replace the dates that a run re-evaluates, whole: rows that
    were corrected away have to go, which a merge cannot do. The first date is known at run time
    only, and dbt fixes a model's config when it parses, so the date is not in the config. #}
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

    Normally the look-back's. After an outage the window reaches back to where a run on the day
    after the last one would have started, so that nothing matures or arrives unseen; `lag_days` is
    how far the model's newest date normally lies behind its run. `since` (a backfill) reaches
    further, never less far. #}
{% macro first_reevaluated_date(relation, lag_days) %}
    {%- set lookback = modules.datetime.timedelta(days=var('message_lookback_days') - 1) -%}
    {%- set newest = newest_sending_date(relation) -%}
    {%- if newest is none -%}
        {{ return("date '1970-01-01'") }}
    {%- endif -%}
    {%- set last_run_next_day = newest + modules.datetime.timedelta(days=lag_days) -%}
    {%- set candidates = [execution_date_value() - lookback, last_run_next_day - lookback] -%}
    {%- set since = run_parameter('since') -%}
    {%- if since != '' -%}
        {%- do candidates.append(modules.datetime.date.fromisoformat(since)) -%}
    {%- endif -%}
    {{ return("date '" ~ (candidates | min).isoformat() ~ "'") }}
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
        arg_dict['target_relation'], config.require('meta').window_lag_days
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
    {%- set first_date = first_reevaluated_date(target_relation, config.require('meta').window_lag_days) -%}
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
