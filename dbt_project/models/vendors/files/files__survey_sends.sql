select
    i.source,
    i.invitation_id,
    i.survey,
    false as is_helpdesk,
    i.ticket_id,
    i.customer_id,
    i.customer_email_hash,
    i.sent_at,
    i.answered_at,
    i.delivery,
    i.organization_id,
    i.segment,
    i.product,
    i.service_area,
    i.complexity,
    i.channel,
    i.priority,
    i.group_id,
    i.agent_id
from {{ in_force(ref('stg_files__survey_invitations')) }} as i
where not i.deleted and i.sent_at <= {{ as_of() }}
