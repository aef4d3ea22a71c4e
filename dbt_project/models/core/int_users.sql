{{ config(meta={'next_at': 'horizon'}) }}
with versions as ({{ united('users', ['source', 'user_id', 'role', 'is_active', 'organization_id', 'created_at', 'changed_at']) }}),

changes as (
    select
        *,
        row_number() over (partition by source, user_id order by changed_at) as version_no,
        lag(role) over (partition by source, user_id order by changed_at) as previous_role,
        lag(organization_id) over (partition by source, user_id order by changed_at) as previous_organization_id,
        lag(is_active) over (partition by source, user_id order by changed_at) as previous_is_active
    from versions
),

kept as (
    select * from changes
    where version_no = 1
       or (
           changed_at <= {{ as_of() }}
           and (
               role is distinct from previous_role or organization_id is distinct from previous_organization_id
               or is_active is distinct from previous_is_active
           )
       )
)

select
    source,
    user_id,
    role,
    is_active,
    organization_id,
    created_at,
    case when version_no = 1 then {{ the_beginning() }} else changed_at end as valid_from,
    coalesce(lead(changed_at) over (partition by source, user_id order by changed_at), {{ the_end() }}) as valid_to
from kept
