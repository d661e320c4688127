{#- The column lies between two values, both included; a NULL fails as well. Where NULL is right, config
    `where` says so. -#}
{% test in_range(model, column_name, at_least=none, at_most=none) %}

{%- set bounds = [] %}
{%- do bounds.append(column_name ~ ' >= ' ~ at_least) if at_least is not none %}
{%- do bounds.append(column_name ~ ' <= ' ~ at_most) if at_most is not none %}

select *
from {{ model }}
where ({{ bounds | join(' and ') }}) is distinct from true

{% endtest %}
