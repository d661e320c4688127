{#- No input's rejected rows exceed a share of the rows read. Rows after as_of are left out of both
    when as_of was given: in the replay of an earlier day they are simply not sent yet. -#}
{% test rejected_share(model, max_share) %}

{%- set not_due = 'rows_not_due' if run_parameter('as_of') != '' else '0' %}

select
    source_name,
    rows_rejected - {{ not_due }} as rows_rejected,
    rows_read - {{ not_due }} as rows_read
from {{ model }}
where rows_rejected - {{ not_due }} > {{ max_share }} * (rows_read - {{ not_due }})

{% endtest %}
