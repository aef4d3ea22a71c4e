with theirs as ({{ united('sla_metrics', ['source', 'metric']) }}),

sources as (select distinct source from {{ source('control', 'batches') }})

select distinct s.source, o.metric
from {{ ref('own_sla_targets') }} as o
inner join sources as s on o.source in (s.source, '*')
where not exists (select 1 from theirs as t where t.source = s.source and t.metric = o.metric)
