{#- One row per counted answer and declared dimension. #}
select source, response_id, question_id, dimension, coalesce(member, '(none)') as member from {{ ref('int_answer_dimensions') }}
