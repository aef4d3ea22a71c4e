{{ config(meta={'next_at': 'horizon'}) }}
with versions as ({{ united('organizations', [
    'source', 'organization_id', 'organization_name', 'segment', 'product', 'service_area', 'complexity', 'dimensions', 'is_deleted', 'created_at', 'changed_at'
]) }}),

numbered as (
    select *, row_number() over (partition by source, organization_id order by changed_at) as version_no from versions
),

kept as (select * from numbered where version_no = 1 or changed_at <= {{ as_of() }})

select
    k.source,
    k.organization_id,
    k.organization_name,
    {% for attribute in ['segment', 'product', 'service_area', 'complexity'] %}
    nullif(k.{{ attribute }}, '') as {{ attribute }},
    {% endfor %}
    k.dimensions,
    k.is_deleted,
    k.created_at,
    case when k.version_no = 1 then {{ the_beginning() }} else k.changed_at end as valid_from,
    coalesce(lead(k.changed_at) over (partition by k.source, k.organization_id order by k.changed_at), {{ the_end() }}) as valid_to
from kept as k
