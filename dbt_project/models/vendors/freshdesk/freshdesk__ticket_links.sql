{#- What tickets and their notes say of other tickets: ticket_id tells that linking_ticket_id has a relation to linked_ticket_id. #}
with versions as (
    select
        t.*,
        row_number() over (partition by t.source, t.record_id order by {{ in_force_first('t.changed_at') }}, t.fetched_at desc, t.list_no desc) as version_no
    from {{ ref('freshdesk__ticket_versions') }} as t
    where t.created_at is not null and {{ is_touched('t', 'record_id') }}
),

associated as (
    select source, record_id, association_type, unnest(associated_tickets) as other_id
    from versions
    where version_no = 1 and changed_at <= {{ as_of() }}
),

notes as (
    select * from {{ ref('stg_freshdesk__conversations') }} as n
    where n.event_at <= {{ as_of() }} and not n.deleted and {{ is_touched('n') }}
),

{#- 1 is the parent of a child (2), 3 the tracker of a related one (4). #}
told as (
    select
        source,
        record_id as ticket_id,
        case when association_type in ('1', '3') then other_id else record_id end as linking_ticket_id,
        case when association_type in ('1', '2') then 'split_from' when association_type in ('3', '4') then 'incident' end as relation,
        case when association_type in ('1', '3') then record_id else other_id end as linked_ticket_id
    from associated
    union all
    select source, ticket_id, ticket_id as linking_ticket_id, 'merged_into', merged_into_id from notes where merged_into_id is not null
    union all
    select source, ticket_id, split_to_id, 'split_from', ticket_id as linked_ticket_id from notes where split_to_id is not null
)

select distinct source, ticket_id, linking_ticket_id, relation, linked_ticket_id
from told
where relation is not null and linking_ticket_id is not null and linked_ticket_id is not null
