{#- What a run is told through its environment. Read at execution only, so that a new value never causes a new parse. #}

{#- The instant that the numbers are as of: UTC, fixed once per run. #}
{% macro as_of() -%}
{%- if execute -%}{{ to_utc("'" ~ env_var('CXMARTS_AS_OF') ~ "'") }}{%- else -%}cast(null as timestamp){%- endif -%}
{%- endmacro %}

{% macro build_id() -%}
{%- if execute -%}'{{ env_var('CXMARTS_BUILD_ID') }}'{%- else -%}''{%- endif -%}
{%- endmacro %}

{#- The business zone as a quoted IANA name. #}
{% macro business_zone() -%}
{%- if execute -%}'{{ env_var('CXMARTS_TIMEZONE', 'UTC') }}'{%- else -%}'UTC'{%- endif -%}
{%- endmacro %}

{#- The local date in the business zone of a UTC time. #}
{% macro business_date(ts) -%}cast({{ local_time(ts, business_zone()) }} as date){%- endmacro %}

{#- SQL of a card, which names the as-of time `:as_of`. #}
{% macro told_sql(text) -%}{{ text | replace(':as_of', as_of()) }}{%- endmacro %}
