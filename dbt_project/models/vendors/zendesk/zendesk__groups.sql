select g.source, g.record_id as group_id, g.group_name, g.is_deleted
from {{ in_force(ref('stg_zendesk__groups')) }} as g
