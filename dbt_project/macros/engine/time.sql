{#- Time in the models: timestamps without zone hold UTC; durations are whole microseconds until they are published. #}

{% macro to_utc(text) %}{{ return(adapter.dispatch('to_utc')(text)) }}{% endmacro %}
{% macro default__to_utc(text) %}case
        when ends_with({{ text }}, 'Z') then try_cast({{ text }} as timestamp)
        else try_cast({{ text }} as timestamptz) at time zone 'UTC'
    end{% endmacro %}

{% macro zoned_to_utc(column) %}{{ return(adapter.dispatch('zoned_to_utc')(column)) }}{% endmacro %}
{% macro default__zoned_to_utc(column) %}({{ column }} at time zone 'UTC'){% endmacro %}

{% macro micros_between(a, b) %}{{ return(adapter.dispatch('micros_between')(a, b)) }}{% endmacro %}
{% macro default__micros_between(a, b) %}(epoch_us({{ b }}) - epoch_us({{ a }})){% endmacro %}

{% macro add_micros(ts, micros) %}{{ return(adapter.dispatch('add_micros')(ts, micros)) }}{% endmacro %}
{% macro default__add_micros(ts, micros) %}make_timestamp(cast(epoch_us({{ ts }}) + {{ micros }} as bigint)){% endmacro %}

{% macro seconds(micros) %}(({{ micros }}) / 1e6){% endmacro %}

{% macro local_time(ts, zone) %}{{ return(adapter.dispatch('local_time')(ts, zone)) }}{% endmacro %}
{% macro default__local_time(ts, zone) %}(make_timestamptz(epoch_us({{ ts }})) at time zone {{ zone }}){% endmacro %}

{% macro day_series(first, last, column) %}{{ return(adapter.dispatch('day_series')(first, last, column)) }}{% endmacro %}
{% macro default__day_series(first, last, column) %}
select cast(g.d as date) as {{ column }}
from unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as g (d)
{% endmacro %}

{#- A day without a year, --12-25 by ISO 8601, is one of every year. #}
{% macro days_of_years(days) %}{{ return(adapter.dispatch('days_of_years')(days)) }}{% endmacro %}
{% macro default__days_of_years(days) -%}
flatten(list_transform({{ days }}, lambda d: case
        when starts_with(d, '--') then list_transform(range(2000, 2051), lambda y: cast(y as varchar) || substr(d, 2))
        else [d]
    end))
{%- endmacro %}

{% macro time_series(first, last, unit, column) %}{{ return(adapter.dispatch('time_series')(first, last, unit, column)) }}{% endmacro %}
{% macro default__time_series(first, last, unit, column) %}unnest(generate_series({{ first }}, {{ last }}, interval 1 {{ unit }})) as {{ column }}{% endmacro %}

{% macro add_days(day, n) %}{{ return(adapter.dispatch('add_days')(day, n)) }}{% endmacro %}
{% macro default__add_days(day, n) %}({{ day }} + {{ n }} * interval 1 day){% endmacro %}

{% macro known_time_zones() %}{{ return(adapter.dispatch('known_time_zones')()) }}{% endmacro %}
{% macro default__known_time_zones() %}select name from pg_timezone_names(){% endmacro %}

{% macro ulid_time(id) %}{{ return(adapter.dispatch('ulid_time')(id)) }}{% endmacro %}
{% macro default__ulid_time(id) %}case
        when regexp_full_match({{ id }}, '[0-7][0-9A-HJKMNP-TV-Z]{25}')
            then make_timestamp(1000 * (
                {% for place in range(1, 11) %}
                (strpos('0123456789ABCDEFGHJKMNPQRSTVWXYZ', substr({{ id }}, {{ place }}, 1)) - 1) * {{ 32 ** (10 - place) }}{{ ' +' if not loop.last }}
                {% endfor %}
            ))
    end{% endmacro %}

{% macro unnest_days(first, last) %}{{ return(adapter.dispatch('unnest_days')(first, last)) }}{% endmacro %}
{% macro default__unnest_days(first, last) %}cast(unnest(generate_series(cast({{ first }} as timestamp), cast({{ last }} as timestamp), interval 1 day)) as date){% endmacro %}
