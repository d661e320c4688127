{#- The expression is true of every row; a row of which it is NULL fails as well. It stands at the column
    that it is a promise about, or at the model. -#}
{% test expression_is_true(model, expression, column_name=none) %}

select *
from {{ model }}
where ({{ expression }}) is distinct from true

{% endtest %}
