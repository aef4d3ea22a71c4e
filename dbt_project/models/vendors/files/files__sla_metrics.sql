{{ config(materialized='table') }}
with declared as (
    select source, unnest(sla) as s from {{ ref('stg_files__tickets') }}
    union all
    select source, unnest(sla) as s from {{ ref('stg_files__ticket_events') }}
)

select distinct source, s.metric as metric from declared
