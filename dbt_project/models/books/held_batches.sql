{#- The batches that a gate holds back, of sources that may lag; what had passed of these before is in the marts. #}
with faulty as (
    select source, stream, batch_id, count(*) as faulty_rows
    from {{ source('control', 'held_rows') }}
    group by source, stream, batch_id
)

select
    b.source,
    b.vendor,
    b.stream,
    b.batch_id,
    b.rows,
    cast(coalesce(f.faulty_rows, 0) as bigint) as faulty_rows,
    b.reason,
    b.held_since
from {{ source('control', 'batches') }} as b
left join faulty as f on b.source = f.source and b.stream = f.stream and b.batch_id = f.batch_id
where b.verdict = 'held'
