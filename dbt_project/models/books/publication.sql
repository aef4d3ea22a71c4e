{{ config(meta={'next_at': 'always'}) }}
{#- How fresh and complete each stream is, by the run that built these marts. #}
with rejected as (
    select replace(model, 'stg_', '') as stream_key, source, count(*) as rejected_rows
    from {{ source('control', 'rejected_rows') }}
    group by model, source
),

superseded as (
    select replace(model, 'stg_', '') as stream_key, source, sum(rows) as superseded_rows
    from {{ source('control', 'superseded_rows') }}
    group by model, source
),

landed as (
    select
        vendor || '__' || stream as stream_key, source, vendor, stream,
        sum(rows) as landed_rows,
        sum(case when verdict = 'held' then 1 else 0 end) as held_batches,
        sum(case when verdict = 'lost' then 1 else 0 end) as lost_batches
    from {{ source('control', 'batches') }}
    group by vendor, stream, source
),

off_scale as (
    select stream_key, source, source || '/' || survey || '/' || question_id as question, count(*) as answers
    from {{ ref('int_answers') }}
    where left_out = 'off scale'
    group by stream_key, source, survey, question_id
),

held_questions as (
    select stream_key, source, {{ listed("question || ': ' || answers", 'question') }} as held_questions
    from off_scale
    group by stream_key, source
)

select
    coalesce(l.source, f.source) as source,
    coalesce(l.vendor, f.vendor) as vendor,
    coalesce(l.stream, f.stream) as stream,
    coalesce(f.is_on, false) as is_on,
    coalesce(f.is_stale, true) or coalesce(l.held_batches, 0) > 0 as is_stale,
    f.last_fetched_at,
    s.newest_change_at,
    cast(coalesce(f.received, 0) as bigint) as received_last_run,
    cast(coalesce(f.landed, 0) as bigint) as landed_last_run,
    cast(coalesce(l.landed_rows, 0) as bigint) as landed_rows,
    cast(coalesce(s.staged_rows, 0) as bigint) as staged_rows,
    cast(coalesce(s.records, 0) as bigint) as records,
    cast(coalesce(r.rejected_rows, 0) as bigint) as rejected_rows,
    cast(coalesce(p.superseded_rows, 0) as bigint) as superseded_rows,
    cast(coalesce(s.redacted_fields, 0) as bigint) as redacted_fields,
    cast(coalesce(l.held_batches, 0) as bigint) as held_batches,
    cast(coalesce(l.lost_batches, 0) as bigint) as lost_batches,
    cast(coalesce(d.disagreements, 0) as bigint) as disagreements,
    h.held_questions,
    {{ as_of() }} as as_of,
    {{ business_zone() }} as time_zone,
    {#- Known when it is published. #}
    cast(null as varchar) as version
from landed as l
full outer join {{ source('control', 'source_status') }} as f on l.source = f.source and l.vendor = f.vendor and l.stream = f.stream
left join {{ ref('int_staged_streams') }} as s on l.stream_key = s.stream_key and l.source = s.source
left join rejected as r on l.stream_key = r.stream_key and l.source = r.source
left join superseded as p on l.stream_key = p.stream_key and l.source = p.source
left join {{ ref('int_rating_disagreements') }} as d on l.stream_key = d.stream_key and l.source = d.source
left join held_questions as h on l.stream_key = h.stream_key and l.source = h.source
