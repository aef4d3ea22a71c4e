select source, 'helpdesk rating' as survey, count(*) as answers
from {{ ref('stg_helpbox__ratings') }}
where answered_at <= {{ as_of() }} and not deleted
group by source
