{#- What was landed but may not enter the marts, and why. A later good version of a record does not remove its row here. #}
select
    r.source,
    replace(r.model, 'stg_', '') as stream,
    r.record_id,
    r.batch_id,
    r.reason,
    false as is_held
from {{ source('control', 'rejected_rows') }} as r
union all
select
    h.source,
    b.vendor || '__' || h.stream as stream,
    h.record_id,
    h.batch_id,
    h.reason,
    true as is_held
from {{ source('control', 'held_rows') }} as h
inner join {{ source('control', 'batches') }} as b
    on h.source = b.source and h.stream = b.stream and h.batch_id = b.batch_id and b.verdict = 'held'
union all
select
    a.source,
    'survey_answers' as stream,
    a.response_id || '/' || a.question_id as record_id,
    null as batch_id,
    'score ' || cast(a.score as varchar) || ' is outside its scale ' || cast(a.scale_min as varchar) || ' to ' || cast(a.scale_max as varchar) as reason,
    false as is_held
from {{ ref('int_answers') }} as a
where a.left_out = 'off scale'
