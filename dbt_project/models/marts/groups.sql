{#- Agent groups, deleted ones included, and those that only tickets name. #}
with assigned as (
    select source, group_id, count(*) as tickets from {{ ref('tickets') }} where group_id is not null group by source, group_id
),

known as (
    select source, record_id as group_id, group_name, is_deleted from {{ in_force(ref('stg_zendesk__groups')) }} as g
)

select
    coalesce(k.source, a.source) as source,
    coalesce(k.group_id, a.group_id) as group_id,
    k.group_name,
    coalesce(k.is_deleted, false) as is_deleted,
    coalesce(a.tickets, 0) as tickets
from known as k
full outer join assigned as a on k.source = a.source and k.group_id = a.group_id
