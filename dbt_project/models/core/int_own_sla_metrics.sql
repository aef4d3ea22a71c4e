{{ config(materialized='ephemeral') }}
{#- Metrics judged by our own targets: those of the rule file for which the source has none. One origin per source and metric. #}
select distinct s.source, o.metric
from {{ ref('own_sla_targets') }} as o
inner join (select distinct source from {{ source('control', 'batches') }}) as s on o.source in (s.source, '*')
where not exists (
        select 1 from {{ ref('zendesk__sla_metrics') }} as v where v.source = s.source and v.metric = o.metric
    )
  and not exists (
        select 1 from {{ ref('files__sla_metrics') }} as f where f.source = s.source and f.metric = o.metric
    )
