select
    source,
    record_id as organization_id,
    organization_name,
    segment,
    product,
    service_area,
    complexity,
    dimensions,
    deleted as is_deleted,
    created_at,
    batch_id,
    changed_at
from {{ ref('stg_freshdesk__companies') }}
