select
    'helpbox__ratings' as stream_key,
    r.source,
    r.record_id as response_id,
    'helpdesk rating' as survey,
    'helpdesk rating' as survey_title,
    'stars' as question_id,
    'stars' as question_ref,
    'helpdesk rating' as question_title,
    'helpdesk_rating' as question_type,
    true as is_helpdesk,
    r.stars as score,
    cast(null as varchar) as original_answer,
    1e0 as scale_min,
    5e0 as scale_max,
    'csat' as declared_kind,
    cast(null as double) as declared_positive_from,
    'higher_is_better' as declared_direction,
    cast(null as boolean) as is_good,
    false as is_edited,
    r.answered_at,
    r.answered_at as answered_until,
    cast(null as timestamp) as sent_at,
    r.ticket_id,
    cast(null as varchar) as customer_id,
    {% for attribute in [
        'lacks', 'row_order', 'customer_email_hash', 'reason', 'organization_id', 'segment', 'product', 'service_area', 'complexity', 'channel', 'priority', 'group_id',
        'agent_id'
    ] %}
    cast(null as varchar) as {{ attribute }},
    {% endfor %}
    {{ no_dimensions() }} as dimensions
from {{ ref('stg_helpbox__ratings') }} as r
where r.answered_at <= {{ as_of() }} and not r.deleted
