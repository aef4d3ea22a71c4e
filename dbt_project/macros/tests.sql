{#- Generic tests of our own; dbt packages need a host that not everybody reaches. #}

{#- Fails with the keys that stand more than once, or hold a null where only period_start may. #}
{% test unique_key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
    {% for column in columns if column != 'period_start' %} or {{ column }} is null{% endfor %}
{% endtest %}
