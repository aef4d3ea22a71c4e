with groups as (select source, group_id, group_name from {{ ref('int_groups') }}),

organizations as (
    select source, organization_id, organization_name from {{ ref('int_organizations') }} where valid_to = {{ the_end() }}
),

named as (
    select 'group' as dimension, group_id as member, group_name as label from groups
    union all
    select 'organization', organization_id, organization_name from organizations
)

select
    dimension,
    member,
    case when count(distinct label) = 1 then max(label) end as member_label
from named
where label is not null
group by dimension, member
