{#- Generic tests of our own; dbt packages need a host that not everybody reaches. #}

{#- Fails with the keys that stand more than once, or hold a null where only period_start may. #}
{% test unique_key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
    {% for column in columns if column != 'period_start' %} or {{ column }} is null{% endfor %}
{% endtest %}

{#- Fails with the values that are no IANA time zone. #}
{% test known_time_zone(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} is not null and {{ column_name }} not in ({{ known_time_zones() }})
{% endtest %}

{#- Fails with the rows of a rule file whose validity overlaps that of another row with the same columns. #}
{% test no_overlap(model, columns) %}
select {{ columns | join(', ') }}, valid_from, valid_to
from (
    select *, lead(coalesce(valid_from, cast({{ the_beginning() }} as date))) over (
        partition by {{ columns | join(', ') }} order by coalesce(valid_from, cast({{ the_beginning() }} as date))
    ) as next_from
    from {{ model }}
) as r
where next_from < coalesce(valid_to, cast({{ the_end() }} as date))
{% endtest %}

{#- Fails with the attributes that are neither ours nor a dimension of the company's own. #}
{% test known_attribute(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} not in ('segment', 'product', 'service_area', 'complexity', 'handle_seconds')
  and {{ column_name }} not in (select d.dimension from {{ ref('dimensions') }} as d where d.record_column is null)
{% endtest %}

{#- Fails with the rows that give no interval of a weekday: from 0 to 6, local times hh:mm, the second later. #}
{% test opening_hours(model) %}
select source, schedule_id, weekday, opens, closes
from {{ model }}
where weekday is null or weekday not between 0 and 6
   or not coalesce({{ matches('opens', '^\\d{1,2}:\\d\\d$') }} and {{ matches('closes', '^\\d{1,2}:\\d\\d$') }}, false)
   or lpad(opens, 5, '0') >= lpad(closes, 5, '0')
{% endtest %}

{#- Fails with the values below 0. #}
{% test not_negative(model, column_name) %}
select {{ column_name }} from {{ model }} where {{ column_name }} < 0
{% endtest %}
