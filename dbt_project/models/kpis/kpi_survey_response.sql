{#- What came back of the surveys sent, by the local date of sending, whenever the answer came. Sources that do not say what they sent are
    not in it; delivered and bounced are null where some source of the row does not say. #}
{%- set spans = {'solve_to_send': ('solved_at', 'sent_at'), 'send_to_answer': ('sent_at', 'answered_at')} -%}
{%- set values = {'informed': 'count(is_delivered)', 'delivered_sends': 'count(case when is_delivered then 1 end)',
    'delivered_answers': 'count(case when is_delivered and is_answered then 1 end)'} -%}
{%- for span in spans -%}
{%- do values.update({
    span ~ '_micros': 'sum(' ~ span ~ ')', span ~ '_n': 'count(' ~ span ~ ')', span ~ '_quantiles': median_and_p90(span)
}) -%}
{%- endfor -%}
with facts as (
    select
        *
        {% for span, ends in spans.items() %}
        , {{ micros_between(ends[0], ends[1]) }} as {{ span }}
        {% endfor %}
    from ({{ counted_facts() }}) as sends
),

cells as (
    {{ kpi_cells({
        'sent': 'count(*)',
        'answered': 'count(case when is_answered then 1 end)',
        'awaited': 'count(case when is_awaited then 1 end)',
        'customers': "count(distinct case when customer_id is not null then " ~ row_hash(['source', 'customer_id']) ~ " end)",
        'known_customer': 'count(customer_id)',
        'too_soon': 'count(case when is_too_soon then 1 end)'
    }, values) }}
)

select
    c.period_grain,
    c.period_start,
    c.dimension,
    c.member,
    l.member_label,
    c.sent,
    case when c.informed = c.sent then c.delivered_sends end as delivered,
    case when c.informed = c.sent then c.sent - c.delivered_sends end as bounced,
    c.answered,
    c.sent - c.answered as not_answered,
    cast(case when c.informed = c.sent then 100e0 * c.delivered_answers / nullif(c.delivered_sends, 0) end as double) as response_rate_pct,
    cast(100e0 * c.answered / nullif(c.sent, 0) as double) as response_rate_sent_pct,
    cast({{ wilson_pct('c.answered', 'c.sent', '-') }} as double) as ci_low_pct,
    cast({{ wilson_pct('c.answered', 'c.sent', '+') }} as double) as ci_high_pct,
    c.awaited,
    {{ is_partial_period() }} or c.awaited > 0 as is_provisional,
    {% for span in spans %}
    cast(cast(c.{{ span }}_micros as double) / 3.6e9 / nullif(c.{{ span }}_n, 0) as double) as {{ span }}_mean_hours,
    cast({{ element('c.' ~ span ~ '_quantiles', 1) }} / 3.6e9 as double) as {{ span }}_median_hours,
    cast({{ element('c.' ~ span ~ '_quantiles', 2) }} / 3.6e9 as double) as {{ span }}_p90_hours,
    {% endfor %}
    c.customers,
    cast(c.known_customer * 1e0 / nullif(c.customers, 0) as double) as sends_per_customer,
    c.too_soon,
    cast(100e0 * c.too_soon / nullif(c.sent, 0) as double) as too_soon_pct,
    {{ is_small_n('c.sent') }} as is_small_n,
    {{ is_partial_period() }} as is_partial_period,
    d.definition_version
from cells as c
{{ join_member_label() }}
{{ join_definition() }}
