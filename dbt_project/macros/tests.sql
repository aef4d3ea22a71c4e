{#- Generic tests of our own; dbt packages need a host that not everybody reaches. #}

{% test unique_key(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
    {% for column in columns if column != 'period_start' %} or {{ column }} is null{% endfor %}
{% endtest %}

{% test said_once(model, columns) %}
select {{ columns | join(', ') }}, count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}

{% test known_time_zone(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} is not null and {{ column_name }} not in ({{ known_time_zones() }})
{% endtest %}

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

{% test known_attribute(model, column_name) %}
select {{ column_name }} from {{ model }}
where {{ column_name }} not in ('segment', 'product', 'service_area', 'complexity', 'handle_seconds')
  and {{ column_name }} not in (select d.dimension from {{ ref('dimensions') }} as d where d.record_column is null)
{% endtest %}

{% test is_hidden_field(model) %}
select hidden_field, attribute
from {{ model }}
where not coalesce({{ matches('hidden_field', '^[A-Za-z0-9_.-]+$') }}, false)
   or coalesce(attribute, '') not in ('{{ hidden_attributes() | join("', '") }}')
{% endtest %}

{% test opening_hours(model) %}
select source, schedule_id, weekday, opens, closes
from {{ model }}
where weekday is null or weekday not between 0 and 6
   or not coalesce({{ matches('opens', '^\\d{1,2}:\\d\\d$') }} and {{ matches('closes', '^\\d{1,2}:\\d\\d$') }}, false)
   or lpad(opens, 5, '0') >= lpad(closes, 5, '0')
{% endtest %}

{% test not_negative(model, column_name) %}
select {{ column_name }} from {{ model }} where {{ column_name }} < 0
{% endtest %}
