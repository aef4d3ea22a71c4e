{#- Backlog from what changed: a ticket arrives when it becomes unsolved and departs when it no longer is; in a group, agent or
    priority likewise when an unsolved ticket passes to or from it; in an age bucket also when its age passes an edge. #}

{% macro backlog_changes(tickets, states, until, fixed, held) %}
with moves as (
    select
        t.created_at, {% for column in fixed.values() %}t.{{ column }}, {% endfor %}
        s.started_at as moved_at,
        s.ended_at,
        coalesce(s.status in ({{ unsolved_statuses() }}), false) as is_open,
        coalesce(s.previous_status in ({{ unsolved_statuses() }}), false) as was_open
        {% for column in held.values() %}, s.{{ column }}, s.previous_{{ column }}{% endfor %}
    from {{ tickets }} as t
    inner join {{ states }} as s on t.source = s.source and t.ticket_id = s.ticket_id
    where {{ is_by_human('t') }} and t.has_status_history
    union all
    {#- Without a history: unsolved from creation to the solve that the source declares. #}
    select
        t.created_at, {% for column in fixed.values() %}t.{{ column }}, {% endfor %} t.created_at, t.last_solved_at, true, false
        {% for column in held.values() %}, t.{{ column }}, cast(null as varchar){% endfor %}
    from {{ tickets }} as t
    where {{ is_by_human('t') }} and not t.has_status_history and (t.last_solved_at is not null or not t.is_solved)
    union all
    select
        t.created_at, {% for column in fixed.values() %}t.{{ column }}, {% endfor %} t.last_solved_at, null, false, true
        {% for column in held.values() %}, cast(null as varchar), t.{{ column }}{% endfor %}
    from {{ tickets }} as t
    where {{ is_by_human('t') }} and not t.has_status_history and t.last_solved_at is not null
),

{#- The age at a change is the one just before it, and an edge belongs to the state that it falls into: what comes and goes on an edge
    comes and goes in the same bucket. #}
moves_by_age as (
    select m.*, {{ business_date('m.moved_at') }} as day, a.age_no
    from moves as m
    inner join ages as a
        on {{ micros_between('m.created_at', 'm.moved_at') }} <= a.to_micros
        and ({{ micros_between('m.created_at', 'm.moved_at') }} > a.from_micros or a.age_no = 1)
    where m.is_open or m.was_open
),

aged as (
    select m.*, {{ business_date(add_micros('m.created_at', 'a.from_micros')) }} as day, a.age_no
    from moves as m
    inner join ages as a
        on a.age_no > 1 and a.from_micros >= {{ micros_between('m.created_at', 'm.moved_at') }}
        and a.from_micros < {{ micros_between('m.created_at', 'coalesce(m.ended_at, ' ~ add_micros(until, 1) ~ ')') }}
    where m.is_open
),

whole as (
    select
        day, age_no, {{ fixed.values() | join(', ') }},
        case when is_open then 1 else 0 end as arrived, case when is_open then 0 else 1 end as departed, 0 as aged_in, 0 as aged_out
    from moves_by_age
    where is_open <> was_open
    union all
    select day, age_no, {{ fixed.values() | join(', ') }}, 0, 0, 1, 0 from aged
    union all
    select day, age_no - 1, {{ fixed.values() | join(', ') }}, 0, 0, 0, 1 from aged
),

by_holder as (
    {% for name, column in held.items() %}
    {%- set stays -%}is_open and was_open and {{ column }} is not distinct from previous_{{ column }}{%- endset %}
    select '{{ name }}' as dimension, {{ column }} as member, day, age_no, 1 as arrived, 0 as departed, 0 as aged_in, 0 as aged_out
    from moves_by_age
    where is_open and not ({{ stays }})
    union all
    select '{{ name }}', previous_{{ column }}, day, age_no, 0, 1, 0, 0 from moves_by_age where was_open and not ({{ stays }})
    union all
    select '{{ name }}', {{ column }}, day, age_no, 0, 0, 1, 0 from aged
    union all
    select '{{ name }}', {{ column }}, day, age_no - 1, 0, 0, 0, 1 from aged
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    day, age_no,
    case {% for name, column in fixed.items() %}when grouping({{ column }}) = 0 then '{{ name }}' {% endfor %}else 'all' end as dimension,
    case {% for column in fixed.values() %}when grouping({{ column }}) = 0 then coalesce({{ column }}, '(none)') {% endfor %}else 'all' end
        as member,
    sum(arrived) as arrived, sum(departed) as departed, sum(aged_in) as aged_in, sum(aged_out) as aged_out
from whole
group by grouping sets ((day, age_no){% for column in fixed.values() %}, (day, age_no, {{ column }}){% endfor %})
union all
select day, age_no, dimension, coalesce(member, '(none)'), sum(arrived), sum(departed), sum(aged_in), sum(aged_out)
from by_holder
group by day, age_no, dimension, member
{% endmacro %}
