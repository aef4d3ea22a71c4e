{#- Where the streams of a source contradict each other, and which KPIs that makes incomplete. Clean sources differ a little, too. #}
with told as (
    select s.source, case when c.is_by_channel then coalesce(s.channel, '(none)') else 'all' end as channel, s.rule, s.expected, s.found
    from {{ ref('int_stream_checks') }} as s
    inner join {{ ref('stream_checks') }} as c on s.rule = c.rule
),

counted as (
    select source, channel, rule, cast(sum(expected) as bigint) as expected, cast(sum(found) as bigint) as found
    from told
    group by source, channel, rule
)

select
    s.source,
    s.channel,
    s.rule,
    c.kpis,
    s.expected,
    s.found,
    s.expected - s.found as missing,
    100e0 * (s.expected - s.found) / nullif(s.expected, 0) as missing_pct,
    c.tolerated_pct,
    s.expected - s.found < c.least_missing or 100e0 * (s.expected - s.found) <= c.tolerated_pct * s.expected as is_agreed
from counted as s
inner join {{ ref('stream_checks') }} as c on s.rule = c.rule
where s.expected > 0
