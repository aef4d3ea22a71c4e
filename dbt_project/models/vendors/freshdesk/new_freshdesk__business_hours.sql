{%- set days, minutes = {}, [] -%}
{%- for day in freshdesk_days() -%}
{%- do days.update({day: {'start_time': 'VARCHAR', 'end_time': 'VARCHAR'}}) -%}
{%- endfor -%}
{%- set shape = {
    'name': 'VARCHAR', 'time_zone': 'VARCHAR', 'is_default': 'BOOLEAN', 'created_at': 'VARCHAR', 'business_hours': days,
    'holidays': 'JSON', 'list_of_holidays': [{'holiday_date': 'VARCHAR'}], 'holiday_data': [['VARCHAR']]
} -%}
{#- Which of these an account has no reference says: a list of days, days by their names, or pairs of both. #}
{%- set days_off = [
    each_element(parse_json('p.holidays', [{'date': 'VARCHAR'}]), 'h', 'h.date'),
    each_element(json_pairs('p.holidays'), 'h', 'h.value'),
    each_element('p.list_of_holidays', 'h', 'h.holiday_date'),
    each_element('p.holiday_data', 'h', element('h', 1))
] -%}
{%- set is_day -%}
coalesce(
    try_cast(case when d like '--%' then '2000' || substr(d, 2) else d end as date) between date '1990-01-01' and date '2100-01-01', false
)
{%- endset -%}
{%- set values = [
    time_value('created_at', 'p.created_at'),
    list_value('holidays', 'days_off', 'd', 'not ' ~ is_day, 'd', 'is no day')
] -%}
{%- for day in freshdesk_days() -%}
{%- set opens, closes = 'p.business_hours.' ~ day ~ '.start_time', 'p.business_hours.' ~ day ~ '.end_time' -%}
{%- do values.append({
    'field': 'business_hours.' ~ day, 'text': 'concat(' ~ opens ~ ", '-', " ~ closes ~ ')',
    'fault': 'case when ' ~ opens ~ " <> '' and coalesce(" ~ freshdesk_minutes(opens) ~ ', ' ~ freshdesk_minutes(closes)
        ~ ") is not null and (" ~ freshdesk_minutes(opens) ~ ' is null or ' ~ freshdesk_minutes(closes) ~ " is null) then 'is no time of the day' end"
}) -%}
{%- endfor -%}
with landed as ({{ landed('freshdesk', 'business_hours', shape) }}),

zones as (
    select name from {{ ref('zone_names') }}
    union
    {{ known_time_zones() }}
),

timed as (
    select
        *,
        {% for day in freshdesk_days() %}
        {{ freshdesk_minutes('p.business_hours.' ~ day ~ '.start_time') }} as {{ day }}_opens,
        {{ freshdesk_minutes('p.business_hours.' ~ day ~ '.end_time') }} as {{ day }}_closes,
        {% endfor %}
        coalesce({% for days in days_off %}nullif({{ days }}, []), {% endfor %}null) as days_off
    from landed
)

select
    {{ envelope() }},
    p.name as schedule_name,
    p.time_zone as time_zone,
    coalesce(p.is_default, false) as is_default,
    {{ usable(values) }}
    {#- Without hours of its own it is open around the clock. The last minute of a day is open too; what closes before it opens closes a day later. #}
    case
        when p.business_hours is null then [struct_pack(start_time := 0, end_time := 10080)]
        else {% set day_list -%}
        [
            {% for day in freshdesk_days() %}
            struct_pack(
                start_time := {{ loop.index0 * 1440 }} + {{ day }}_opens,
                end_time := {{ loop.index0 * 1440 }} + {{ day }}_closes
                    + case when {{ day }}_closes <= {{ day }}_opens then 1440 when {{ day }}_closes = 1439 then 1 else 0 end
            ){{ ',' if not loop.last }}
            {% endfor %}
        ]
        {%- endset -%}
        {{ elements_where(day_list, 'i', 'coalesce(i.start_time < i.end_time, false)') }}
    end as intervals,
    {{ each_element(
        elements_where(days_of_years(elements_where('days_off', 'd', is_day)), 'd', 'try_cast(d as date) is not null'), 'd',
        'struct_pack(start_date := d, end_date := d)'
    ) }} as holidays,
    {{ rejected_values(values) }},
    {{ reject_reason([
        'case when not deleted then coalesce(' ~ missing('p.time_zone', 'time_zone')
        ~ ", case when z.name is null then 'time_zone ' || p.time_zone || ' is unknown: add it to zone_names.csv' end) end"
    ]) }}
from timed
left join zones as z on timed.p.time_zone = z.name
