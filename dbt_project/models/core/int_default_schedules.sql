with sources as (select distinct source from {{ source('control', 'batches') }}),

candidates as (
    select source, schedule_key, 1 as place, created_at from {{ ref('int_schedules') }} where not is_deleted
    union all
    select s.source, {{ rule_schedule_key('r') }}, case when {{ rule_source('r') }} = '*' then 3 else 2 end, null
    from sources as s
    inner join {{ ref('schedules') }} as r on {{ rule_source('r') }} in (s.source, '*')
    where r.is_default
),

ranked as (
    select source, schedule_key, row_number() over (partition by source order by place, created_at, schedule_key) as candidate_no
    from candidates
)

select source, schedule_key from ranked where candidate_no = 1
