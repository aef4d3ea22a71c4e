{#- The three lists hold what a ticket was at different times: as one that counts, as spam, as deleted. #}
{% for list in freshdesk_ticket_lists() %}
select
    {{ loop.index }} as list_no,
    source, record_id, changed_at, fetched_at, batch_id, created_at, status_code, priority, priority_code, source_code, channel, ticket_type, requester_id,
    responder_id, group_id, company_id, product_id, is_escalated, fr_escalated, nr_escalated, is_spam, is_deleted, tags, association_type,
    associated_tickets, custom_fields, due_by, fr_due_by, nr_due_by
    {%- for time in freshdesk_stats() %}, vendor_{{ time }}{% endfor %}

from {{ ref('stg_freshdesk__' ~ list) }}
{{ 'union all' if not loop.last }}
{% endfor %}
