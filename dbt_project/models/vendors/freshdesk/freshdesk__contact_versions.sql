{#- A contact is in one of two lists. Of what has one time what was fetched last holds. #}
with contacts as (
    {% for list in ['contacts', 'deleted_contacts'] %}
    select source, record_id, is_active, company_id, created_at, batch_id, changed_at, fetched_at from {{ ref('stg_freshdesk__' ~ list) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

ranked as (
    select *, row_number() over (partition by source, record_id, changed_at order by fetched_at desc, is_active) as version_no from contacts
)

select source, record_id, is_active, company_id, created_at, batch_id, changed_at from ranked where version_no = 1
