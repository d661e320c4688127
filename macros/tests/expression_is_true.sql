{#- The expression is true of every row; a row of which it is NULL fails as well. It stands at the column
    that it is a promise about, or at the model. What `problem` says of a failing row is what people read. -#}
{% test expression_is_true(model, expression, column_name=none, problem=none) %}

select
    *{{ ',' if problem }}
    {% if problem %}{{ problem }} as problem{% endif %}
from {{ model }}
where ({{ expression }}) is distinct from true

{% endtest %}
