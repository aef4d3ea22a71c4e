select source, organization_id, valid_from, valid_to, pair.dimension as dimension, nullif(pair.member, '') as member
from (
    select source, organization_id, valid_from, valid_to, unnest(dimensions) as pair from {{ ref('int_organizations') }}
) as o
