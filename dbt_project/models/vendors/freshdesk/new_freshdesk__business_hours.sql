{%- set days, minutes = {}, [] -%}
{%- for day in freshdesk_days() -%}
{%- do days.update({day: {'start_time': 'VARCHAR', 'end_time': 'VARCHAR'}}) -%}
{%- endfor -%}
{%- set shape = {
    'name': 'VARCHAR', 'time_zone': 'VARCHAR', 'is_default': 'BOOLEAN', 'created_at': 'VARCHAR', 'business_hours': days,
    'holidays': [{'date': 'VARCHAR'}], 'list_of_holidays': [{'holiday_date': 'VARCHAR'}]
} -%}
{%- set values = [time_value('created_at', 'p.created_at')] -%}
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
        coalesce({{ each_element('p.holidays', 'h', 'h.date') }}, {{ each_element('p.list_of_holidays', 'h', 'h.holiday_date') }}) as days_off
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
    {{ each_element(elements_where('days_off', 'd', 'try_cast(d as date) is not null'), 'd', 'struct_pack(start_date := d, end_date := d)') }} as holidays,
    {{ rejected_values(values) }},
    {{ reject_reason([
        'case when not deleted then coalesce(' ~ missing('p.time_zone', 'time_zone')
        ~ ", case when z.name is null then 'time_zone ' || p.time_zone || ' is unknown: add it to zone_names.csv' end) end"
    ]) }}
from timed
left join zones as z on timed.p.time_zone = z.name
