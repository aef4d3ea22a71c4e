{#- Who is behind a follow-up and what they wrote. Empty unless CXMARTS_RESTRICTED says so. #}
with written as (
    select source, response_id, max(comment) as comment, max(email) as email
    from {{ ref('int_written_answers') }}
    group by source, response_id
)

select
    f.source,
    f.response_id,
    f.question_id,
    f.ticket_id,
    f.customer_id,
    c.customer_name,
    coalesce(c.email, w.email) as customer_email,
    w.comment
from {{ ref('follow_ups') }} as f
inner join {{ ref('int_answers') }} as a on f.source = a.source and f.response_id = a.response_id and f.question_id = a.question_id
left join written as w on f.source = w.source and f.response_id = w.response_id
left join {{ ref('int_named_customers') }} as c on a.helpdesk = c.source and f.customer_id = c.customer_id
where {{ 'true' if is_restricted_on() else 'false' }}
