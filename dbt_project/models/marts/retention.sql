{{ config(meta={'next_at': 'always'}) }}
{#- Who was served in the window before a landmark, how, and whether they stayed in the window after it, up to the as-of time. So each customer
    counts once per window, and nobody's later experience explains their earlier leaving. #}
{%- set units = {'customer': 'customer_id', 'organization': 'organization_id'} -%}
with windows as (
    select window_days, landmark, {{ add_micros('landmark', '-window_days * 86400000000') }} as since
    from (
        select window_days, {{ add_micros(as_of(), '-window_days * 86400000000') }} as landmark from {{ ref('retention_windows') }}
    ) as w
),

promises as (
    select
        source, ticket_id, min(case when outcome = 'breached' then breached_at end) as breached_at,
        min(case when outcome = 'met' then ended_at end) as met_at
    from {{ ref('sla_targets') }}
    where outcome in ('met', 'breached')
    group by source, ticket_id
),

reopenings as (
    select source, ticket_id, min(started_at) as reopened_at from {{ ref('int_ticket_states') }} where is_reopening group by source, ticket_id
),

contacts as (
    {% for unit, id in units.items() %}
    select
        '{{ unit }}' as unit, t.source, t.{{ id }} as unit_id, t.organization_id, t.created_at, t.first_reply_at, p.breached_at, p.met_at,
        case when t.has_status_history then r.reopened_at when t.reopens > 0 then t.first_solved_at end as reopened_at
    from {{ ref('tickets') }} as t
    left join promises as p on t.source = p.source and t.ticket_id = p.ticket_id
    left join reopenings as r on t.source = r.source and t.ticket_id = r.ticket_id
    where t.{{ id }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

{#- What each had experienced by the landmark, at its worst. #}
served as (
    select
        w.window_days, w.landmark, c.unit, c.source, c.unit_id,
        max(c.organization_id) as organization_id,
        count(*) as contacts,
        count(case when c.breached_at <= w.landmark then 1 end) as breaches,
        count(case when c.met_at <= w.landmark then 1 end) as met,
        count(case when c.reopened_at <= w.landmark then 1 end) as reopened,
        max(case when c.first_reply_at <= w.landmark then {{ seconds(micros_between('c.created_at', 'c.first_reply_at')) }} end) as longest_seconds
    from contacts as c
    inner join windows as w on c.created_at > w.since and c.created_at <= w.landmark
    group by w.window_days, w.landmark, c.unit, c.source, c.unit_id
),

later as (
    select unit, source, unit_id, max(created_at) as last_contact_at from contacts group by unit, source, unit_id
),

{#- The last answer by the landmark. #}
said as (
    select *
    from (
        select
            w.window_days, a.unit, a.source, a.unit_id, a.kind, a.said,
            row_number() over (
                partition by w.window_days, a.unit, a.source, a.unit_id, a.kind order by a.answered_at desc, a.response_id desc, a.question_id desc
            ) as newest_no
        from (
            {% for unit, id in units.items() %}
            select
                '{{ unit }}' as unit, helpdesk as source, {{ id }} as unit_id, kind, answered_at, response_id, question_id,
                case when kind = 'nps' then nps_class when is_positive then 'positive' else 'negative' end as said
            from {{ ref('int_answers') }}
            where kind in ('csat', 'nps') and is_headline and left_out is null and {{ id }} is not null
            {{ 'union all' if not loop.last }}
            {% endfor %}
        ) as a
        inner join windows as w on a.answered_at > w.since and a.answered_at <= w.landmark
    ) as n
    where newest_no = 1
),

bands as (
    select
        wait_band, 60 * from_minutes as from_seconds,
        coalesce(60 * lead(from_minutes) over (order by from_minutes), 1e18) as to_seconds
    from {{ ref('wait_bands') }}
),

lost as (
    select source, customer_id, organization_id, min(churned_on) as churned_on
    from {{ ref('churned_customers') }}
    where churned_on <= {{ business_date(as_of()) }}
    group by source, customer_id, organization_id
),

{#- Who had left before the landmark is not asked; where a source names nobody who left, nobody knows who stayed. #}
cohort as (
    select
        s.*,
        l.last_contact_at > s.landmark as came_back,
        least(c.churned_on, o.churned_on) as churned_on,
        s.source in (select source from lost) as is_churn_known
    from served as s
    inner join later as l on s.unit = l.unit and s.source = l.source and s.unit_id = l.unit_id
    left join lost as c on s.unit = 'customer' and s.source = c.source and s.unit_id = c.customer_id
    left join lost as o
        on o.customer_id is null and s.source = o.source
        and case s.unit when 'organization' then s.unit_id else s.organization_id end = o.organization_id
)

select
    cast(c.window_days as integer) as window_days,
    c.unit,
    c.source,
    c.unit_id,
    c.landmark,
    c.came_back as has_come_back,
    case when c.is_churn_known then c.churned_on is null end as has_stayed,
    case when c.breaches > 0 then 'breached' when c.met > 0 then 'met' end as sla,
    b.wait_band as first_reply_wait,
    case when c.reopened > 0 then 'yes' else 'no' end as reopened,
    case when c.contacts = 1 then '1' when c.contacts <= 3 then '2 to 3' else '4 and more' end as contacts,
    q.said as csat,
    n.said as nps
from cohort as c
left join bands as b on c.longest_seconds >= b.from_seconds and c.longest_seconds < b.to_seconds
{% for alias, kind in [('q', 'csat'), ('n', 'nps')] %}
left join said as {{ alias }}
    on c.window_days = {{ alias }}.window_days and c.unit = {{ alias }}.unit and c.source = {{ alias }}.source
    and c.unit_id = {{ alias }}.unit_id and {{ alias }}.kind = '{{ kind }}'
{% endfor %}
where c.churned_on is null or c.churned_on > {{ business_date('c.landmark') }}
