{#- What a run is told through its environment. Read at execution only, so that a new value never causes a new parse. #}

{% macro as_of() -%}
{%- if not execute -%}cast(null as timestamp)
{#- A view is read on later nights too. -#}
{%- elif model.resource_type == 'model' and model.config.materialized == 'view' -%}control.as_of()
{%- else -%}{{ told_as_of() }}{%- endif -%}
{%- endmacro %}

{% macro told_as_of() -%}{{ to_utc("'" ~ env_var('CXMARTS_AS_OF') ~ "'") }}{%- endmacro %}

{% macro build_id() -%}
{%- if execute -%}'{{ env_var('CXMARTS_BUILD_ID') }}'{%- else -%}''{%- endif -%}
{%- endmacro %}

{% macro business_zone() -%}
{%- if execute -%}'{{ env_var('CXMARTS_TIMEZONE', 'UTC') }}'{%- else -%}'UTC'{%- endif -%}
{%- endmacro %}

{% macro business_date(ts) -%}cast({{ local_time(ts, business_zone()) }} as date){%- endmacro %}
