{#- An array of strings from an array column, or on DuckDB also from JSON text (CSV has no arrays). NULL for
    what is no list; an element that is no text is NULL in it. #}
{% macro try_string_array(expression) %}
    {{- return(adapter.dispatch('try_string_array', 'eros')(expression)) -}}
{% endmacro %}

{% macro default__try_string_array(expression) -%}
    {{ expression }}
{%- endmacro %}

{#- Exporters write a list as JSON text or as a list, of texts or of bytes (which a cast to JSON escapes), and
    some wrap it and its elements: {list: [{element: …}]}. #}
{% macro duckdb__try_string_array(expression) -%}
    {%- set text -%}
    (
        case
            when json_type(item) = 'VARCHAR' then item ->> '$'
            when
                json_type(item) = 'OBJECT'
                and json_keys(item) in (['element'], ['item'], ['array_element'])
                and json_type(item, '$.' || json_keys(item)[1]) = 'VARCHAR'
                then item ->> ('$.' || json_keys(item)[1])
        end
    )
    {%- endset -%}
    (
        select
            case
                when trim(cast({{ expression }} as varchar)) = '' or json_type(items) = 'NULL' then []
                when json_type(items) = 'ARRAY'
                    then array(
                        select
                            case
                                when typeof({{ expression }}) like '%BLOB%' and typeof({{ expression }}) != 'BLOB'
                                    then try(decode(try_cast({{ text }} as blob)))
                                else {{ text }}
                            end
                        from unnest(json_extract(items, '$[*]')) as elements (item)
                    )
            end
        from (
            select
                case
                    when json_type(document) = 'OBJECT' and json_keys(document) in (['list'], ['bag'], ['array'])
                        then json_extract(document, '$.' || json_keys(document)[1])
                    else document
                end as items
            from (
                select
                    case
                        when typeof({{ expression }}) = 'BLOB'
                            then try_cast(try(decode(try_cast({{ expression }} as blob))) as json)
                        else try_cast({{ expression }} as json)
                    end as document
            )
        )
    )
{%- endmacro %}
