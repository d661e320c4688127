{#- The var caption_policy, checked. #}
{% macro caption_policy() %}
    {%- if var('caption_policy') not in ['pooled', 'wilson'] -%}
        {% do exceptions.raise_compiler_error(
            "var caption_policy must be pooled or wilson, not '" ~ var('caption_policy') ~ "'"
        ) %}
    {%- endif -%}
    {{ return(var('caption_policy')) }}
{% endmacro %}


{#- The var holdout_share as a number of SQL, checked. #}
{% macro holdout_share() %}
    {%- set share = var('holdout_share') -%}
    {%- if share is not number or share is boolean or not 0 <= share <= 1 -%}
        {% do exceptions.raise_compiler_error(
            "var holdout_share must be a number from 0 to 1, not '" ~ share ~ "'"
        ) %}
    {%- endif -%}
    {{ return('cast(' ~ share ~ ' as float64)') }}
{% endmacro %}


{#- So many captions of a tier, the best of it, are ranked once for all pages; pools are counted and candidates
    are chosen by the same number. #}
{% macro captions_ranked_for_all() %}
    {{- return(2000) -}}
{% endmacro %}
