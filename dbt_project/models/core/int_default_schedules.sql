with sources as (select distinct source from {{ source('control', 'batches') }}),

candidates as (
    select source, schedule_key, 1 as place, created_at, valid_from, valid_to
    from {{ ref('int_schedules') }}
    where not is_deleted
    union all
    select
        s.source, {{ rule_schedule_key('r') }}, case when {{ rule_source('r') }} = '*' then 3 else 2 end, null,
        {{ the_beginning() }}, {{ the_end() }}
    from sources as s
    inner join {{ ref('schedules') }} as r on {{ rule_source('r') }} in (s.source, '*')
    where r.is_default
),

changes as (
    select source, valid_from as changes_at from candidates
    union
    select source, valid_to from candidates where valid_to < {{ the_end() }}
),

ranked as (
    select
        h.source, h.changes_at, c.schedule_key,
        row_number() over (
            partition by h.source, h.changes_at order by c.place nulls last, c.created_at nulls last, c.schedule_key nulls last
        ) as candidate_no
    from changes as h
    left join candidates as c on h.source = c.source and h.changes_at >= c.valid_from and h.changes_at < c.valid_to
),

defaults as (
    select source, schedule_key, changes_at, lag(schedule_key) over (partition by source order by changes_at) as previous_key
    from ranked
    where candidate_no = 1
)

select
    source,
    schedule_key,
    changes_at as valid_from,
    coalesce(lead(changes_at) over (partition by source order by changes_at), {{ the_end() }}) as valid_to
from defaults
where schedule_key is distinct from previous_key
