select g.source, g.record_id as group_id, g.group_name, g.deleted as is_deleted
from {{ in_force(ref('stg_freshdesk__groups')) }} as g
