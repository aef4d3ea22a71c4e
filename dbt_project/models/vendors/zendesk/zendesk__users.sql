select
    source,
    record_id as user_id,
    case when role = 'end-user' then 'end_user' else 'agent' end as role,
    is_active,
    organization_id,
    created_at,
    batch_id,
    changed_at
from {{ ref('stg_zendesk__users') }}
