{{ config(meta={'next_at': 'horizon'}) }}
with newest as ({{ united('newest_ratings', ['source', 'stream_key', 'ticket_id', 'score', 'rated_at']) }})

select n.source, n.stream_key, count(*) as disagreements
from newest as n
inner join {{ ref('int_tickets') }} as t on n.source = t.source and n.ticket_id = t.ticket_id
where n.rated_at <= t.changed_at and t.changed_at <= {{ as_of() }}
  and t.exclusion_reason is null
  and n.score <> coalesce(t.rating_score, 'unoffered')
group by n.source, n.stream_key
