{#- The expression is true of every row; a row of which it is NULL fails as well. -#}
{% test expression_is_true(model, expression) %}

select *
from {{ model }}
where ({{ expression }}) is distinct from true

{% endtest %}
