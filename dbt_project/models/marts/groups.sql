{#- Agent groups, deleted ones included, and those that only tickets name. #}
with assigned as (
    select source, group_id, count(*) as tickets from {{ ref('tickets') }} where group_id is not null group by source, group_id
)

select
    coalesce(k.source, a.source) as source,
    coalesce(k.group_id, a.group_id) as group_id,
    k.group_name,
    coalesce(k.is_deleted, false) as is_deleted,
    coalesce(a.tickets, 0) as tickets
from {{ ref('int_groups') }} as k
full outer join assigned as a on k.source = a.source and k.group_id = a.group_id
