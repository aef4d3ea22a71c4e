{#- What readers were told of closed periods and are told differently now, and why. Each build takes the current publication's journal
    and adds how its own marts differ from that publication, so what is not published leaves no trace. Before that publication's as-of
    time nothing is compared. #}
{%- set kpis = [
    'kpi_backlog', 'kpi_bottlenecks', 'kpi_ces', 'kpi_cost', 'kpi_csat', 'kpi_distribution', 'kpi_effort', 'kpi_first_contact',
    'kpi_follow_up', 'kpi_nps', 'kpi_response_times', 'kpi_sla_compliance', 'kpi_survey_response', 'kpi_team', 'kpi_volume'
] -%}
{%- set facts = ['tickets', 'sla_targets', 'survey_answers', 'survey_sends', 'follow_ups'] -%}
{#- depends on #}
{%- for name in kpis + facts + ['kpi_definitions', 'int_late_tickets'] -%}{%- do ref(name) -%}{%- endfor -%}
{%- set published = published_marts() -%}
{%- set matched = published.items() | selectattr('1.is_earlier') | selectattr('1.key') | map(attribute=0) | list -%}
{%- set compared = kpis | select('in', matched) | list -%}
{%- set columns = [
    'mart', 'key', 'period_grain', 'period_start', 'dimension', 'member', 'column_name', 'before', 'after', 'cells', 'cause',
    'restated_at', 'before_version', 'version'
] -%}
with journal as (
    {% if 'restatements' in published %}
    select {{ columns | join(', ') }} from {{ published['restatements'].relation }} where restated_at <= {{ as_of() }}
    {% else %}
    select
        cast(null as varchar) as mart, cast(null as varchar) as key, cast(null as varchar) as period_grain,
        cast(null as date) as period_start, cast(null as varchar) as dimension, cast(null as varchar) as member,
        cast(null as varchar) as column_name, cast(null as double) as before, cast(null as double) as after,
        cast(null as bigint) as cells, cast(null as varchar) as cause, cast(null as timestamp) as restated_at,
        cast(null as varchar) as before_version, cast(null as varchar) as version
    where false
    {% endif %}
)
{% if compared %}
{% for name in facts if name in matched %}, {{ moved_facts(name, published) }}{% endfor %}
{% for name in compared %}, {{ restated_cells(name, published) }}{% endfor %}
, restated as (
    {% for name in compared %}
    select * from {{ name }}_restated
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

counted as (
    select
        *,
        case weight {% for cause in causes() %}when {{ cause_weight(cause) }} then '{{ cause }}' {% endfor %}end as cause,
        count(*) over (partition by mart, weight) as in_all,
        count(case when dimension = 'all' then 1 end) over (partition by mart, weight) as in_unsplit
    from restated
),

ranked as (
    select
        *,
        cause <> 'matured'
        and (in_all <= {{ listed_at_most() }} or (dimension = 'all' and in_unsplit <= {{ listed_at_most() }})) as is_listed
    from counted
),

{#- Sums of maturing are one a day: what was summed earlier today is summed anew. #}
summed as (
    select mart, cause, count(*) as cells, {{ as_of() }} as restated_at, '{{ published[compared[0]].version }}' as before_version,
        cast(null as varchar) as version
    from ranked
    where not is_listed
    group by mart, cause
    union all
    select mart, cause, cells, restated_at, before_version, version
    from journal
    where cause = 'matured' and {{ business_date('restated_at') }} = {{ business_date(as_of()) }}
)

select {{ columns | join(', ') }} from journal
where cause <> 'matured' or {{ business_date('restated_at') }} <> {{ business_date(as_of()) }}
union all
select
    mart, key, period_grain, period_start, dimension, member, column_name, before, after, cast(1 as bigint) as cells, cause,
    {{ as_of() }} as restated_at, '{{ published[compared[0]].version }}' as before_version, cast(null as varchar) as version
from ranked
where is_listed
{% if 'kpi_definitions' in matched %}
union all
{{ redefined(published['kpi_definitions']) }}
{% endif %}
union all
select
    mart, '*' as key, cast(null as varchar) as period_grain, cast(null as date) as period_start, cast(null as varchar) as dimension,
    cast(null as varchar) as member, '*' as column_name, cast(null as double) as before, cast(null as double) as after,
    cast(sum(cells) as bigint) as cells, cause, max(restated_at) as restated_at, min(before_version) as before_version,
    case when count(*) = count(version) then max(version) end as version
from summed
group by mart, cause
{% else %}
select {{ columns | join(', ') }} from journal
{% endif %}
