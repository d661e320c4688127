{#- One row per page and date that occurs, with the exact median of a measure over the dates that
    end with it. BigQuery has no windowed exact median over a range, DuckDB's is its fastest way. #}
{% macro rolling_median(relation, measure, date_column, window_days, output_column) %}
    {{- return(adapter.dispatch('rolling_median', 'eros')(
        relation, measure, date_column, window_days, output_column
    )) -}}
{% endmacro %}

{% macro default__rolling_median(relation, measure, date_column, window_days, output_column) -%}
    select distinct
        page_dates.page_name,
        page_dates.{{ date_column }},
        percentile_cont(source_rows.{{ measure }}, 0.5)
            over (partition by page_dates.page_name, page_dates.{{ date_column }})
            as {{ output_column }}
    from (select distinct page_name, {{ date_column }} from {{ relation }}) as page_dates
    inner join {{ relation }} as source_rows
        on
            page_dates.page_name = source_rows.page_name
            and source_rows.{{ date_column }} between
            date_sub(page_dates.{{ date_column }}, interval {{ window_days - 1 }} day)
            and page_dates.{{ date_column }}
{%- endmacro %}

{% macro duckdb__rolling_median(relation, measure, date_column, window_days, output_column) -%}
    select distinct
        page_name,
        {{ date_column }},
        quantile_cont({{ measure }}, 0.5) over (
            partition by page_name
            order by {{ date_column }}
            range between interval {{ window_days - 1 }} days preceding and current row
        ) as {{ output_column }}
    from {{ relation }}
{%- endmacro %}
