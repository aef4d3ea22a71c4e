{#- Rating questions that do not count, and what their declaration lacks. #}
select
    source,
    survey,
    question_id,
    any_value(question_type) as question_type,
    min(scale_min) as scale_min,
    max(scale_max) as scale_max,
    min(problem) as reason,
    count(*) as answers,
    min(answered_at) as first_answered_at,
    max(answered_at) as last_answered_at
from {{ ref('int_answers') }}
where kind is null and is_rating and is_latest and left_out in ('not declared', 'question not in the definition', 'label not scored')
group by source, survey, question_id
