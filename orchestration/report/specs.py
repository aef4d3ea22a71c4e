"""The kinds of charts as Vega-Lite, made by Altair.

Colours are the page's CSS variables, so that one drawing serves light, dark and print. All are as narrow as a
phone; the page sets wide screens in columns. Marks of what counts too few are pale: hollow and thin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
from altair.utils.schemapi import debug_mode

from orchestration.report.blocks import ROWS, Shape

WIDTH = 280
INK, MUTED, LINE, ACCENT, BAND, PAPER = (
    f"var(--{name})" for name in ("ink", "muted", "line", "accent", "band", "paper")
)
SERIES = [f"var(--s{number})" for number in range(1, 7)]
#: Room for the letters of a reader's machine, which may be wider than those that were measured.
PADDING = {"left": 14, "right": 12, "top": 4, "bottom": 4}
BESIDE_NAMES = {**PADDING, "left": 34}
ONE = alt.InlineData(values=[{}])
FIRM, PALE = "!datum.is_pale", "datum.is_pale"

Options = Mapping[str, Any]


def spec(kind: str, shape: Shape, options: Options) -> dict[str, Any]:
    """The specification of a chart, without its rows: each has a `tip`, what it says in words.

    Args:
        kind: a function of this module.
        shape: of its rows.
        options: `unit`, the title of the value's axis, and what the kind asks for.
    """
    padding = BESIDE_NAMES if kind in ("dots", "stack") else PADDING
    # Tests validate; a night need not pay for it.
    with debug_mode(False):
        chart = KINDS[kind](shape, options)
    configured = (
        chart.configure(background="transparent", font="system-ui, sans-serif", aria=False, padding=padding)
        .configure_axis(
            labelColor=MUTED,
            titleColor=MUTED,
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
            labelFontSize=11,
            titleFontSize=11,
            titleFontWeight="normal",
            labelLimit=160,
        )
        .configure_legend(labelColor=INK, labelFontSize=11, symbolType="square", labelLimit=130)
        .configure_view(stroke=None)
    )
    return dict(configured.to_dict(validate=False))


def trend(shape: Shape, options: Options) -> Any:
    """A KPI's periods with control limits as a band; above them the interval of the one that counts.

    Rows: `start`, `value`, `floor`, `ceiling`, `center`, `is_pale`, `is_chosen`, and of that one `low` and
    `high`. Options: `target`, `time_format`, and `marks`, days with a `start` and a `tip`.
    """
    base = _rows().encode(x=_time(options))
    axis = alt.Axis(title=options["unit"], tickCount=3)
    value = alt.Y("value:Q", scale=alt.Scale(zero=False, nice=True), axis=axis)
    limits = base.transform_filter("datum.ceiling != null")
    usual = base.transform_filter(f"{FIRM} && !datum.is_chosen")
    pale = base.transform_filter(f"{PALE} && !datum.is_chosen")
    chosen = base.transform_filter("datum.is_chosen")
    layers = [
        limits.mark_area(color=BAND, opacity=1, interpolate="step").encode(y="floor:Q", y2="ceiling:Q"),
        limits.mark_line(color=MUTED, strokeWidth=1, strokeDash=[2, 2], interpolate="step").encode(
            y="center:Q"
        ),
        base.mark_line(color=ACCENT, strokeWidth=1.5).encode(y=value),
        usual.mark_point(color=ACCENT, opacity=1, filled=True, size=14).encode(y=value),
        _hollow(pale, 16).encode(y=value),
        chosen.mark_point(fill=ACCENT, opacity=1, stroke=INK, strokeWidth=1.5, size=60).encode(y=value),
    ]
    if options.get("target") is not None:
        goal = alt.Chart(ONE).mark_rule(color=INK, strokeDash=[6, 3])
        layers.append(goal.encode(y=alt.datum(options["target"])))
    if options["marks"]:
        marks = alt.Chart(alt.InlineData(values=options["marks"])).mark_rule(color=INK, strokeWidth=2)
        layers.append(marks.encode(x=alt.X("start:T"), tooltip=alt.Tooltip("tip:N")))
    whole = alt.layer(*layers).properties(width=WIDTH, height=96)
    if shape.has_interval:
        return alt.vconcat(_interval(chosen, options), whole, spacing=4)
    return whole


def _interval(chosen: Any, options: Options) -> Any:
    """A lying bar from low to high, with the value and the target in it."""
    axis = alt.Axis(title=None, tickCount=4, grid=False, orient="top")
    low = alt.X("low:Q", scale=alt.Scale(zero=False, nice=True), axis=axis)
    chosen = chosen.encode(x=low)
    layers = [
        chosen.mark_bar(fill=BAND, stroke=ACCENT, height=10).encode(x2="high:Q"),
        chosen.mark_tick(color=INK, thickness=3, height=18).encode(x="value:Q"),
    ]
    if options.get("target") is not None:
        goal = alt.Chart(ONE).mark_rule(color=INK, strokeDash=[6, 3])
        layers.append(goal.encode(x=alt.datum(options["target"])))
    return alt.layer(*layers).properties(width=WIDTH, height=24)


def dots(shape: Shape, options: Options) -> Any:
    """A value with its interval per row.

    Rows: `label`, `value`, `low`, `high`, `is_pale`. Options: `line` (where a line crosses), `domain`.
    """
    domain = alt.Scale(domain=options["domain"]) if "domain" in options else alt.Scale(nice=True)
    x = alt.X("value:Q", scale=domain, axis=alt.Axis(title=options["unit"], tickCount=5))
    axis = alt.Axis(title=None, domain=False, ticks=False)
    base = _rows().encode(y=alt.Y("label:N", sort=shape.labels, axis=axis))
    firm, pale = base.transform_filter(FIRM), base.transform_filter(PALE)
    layers = [
        firm.mark_rule(color=ACCENT, strokeWidth=3).encode(x="low:Q", x2="high:Q"),
        pale.mark_rule(color=MUTED, strokeWidth=1).encode(x="low:Q", x2="high:Q"),
        firm.mark_point(fill=ACCENT, opacity=1, stroke=PAPER, size=80).encode(x=x),
        _hollow(pale, 60).encode(x=x),
    ]
    if options.get("line") is not None:
        crossing = alt.Chart(ONE).mark_rule(color=INK, strokeDash=[6, 3])
        layers.append(crossing.encode(x=alt.datum(options["line"])))
    return alt.layer(*layers).properties(width=WIDTH - 110, height=alt.Step(24))


def stack(shape: Shape, options: Options) -> Any:
    """Parts of a whole per row. Rows: `label`, `part`, its `number`, `share`. Options: `labels`, `parts`."""
    colors = alt.Scale(domain=options["parts"], range=SERIES[: len(options["parts"])])
    axis = alt.Axis(title=None, domain=False, ticks=False)
    return (
        _rows()
        .mark_bar(stroke=PAPER, strokeWidth=1)
        .encode(
            x=alt.X(
                "share:Q", axis=alt.Axis(title=options["unit"], tickCount=5), scale=alt.Scale(domain=[0, 100])
            ),
            y=alt.Y("label:N", sort=options["labels"], axis=axis),
            color=alt.Color(
                "part:N", scale=colors, legend=alt.Legend(title=None, orient="bottom", columns=1)
            ),
            order=alt.Order("number:Q"),
        )
        .properties(width=WIDTH - 90, height=alt.Step(26))
    )


def bars(shape: Shape, options: Options) -> Any:
    """How often each. Rows: `label`, `share`, `is_pale`. Options: `across`, the title below."""
    across = alt.Axis(title=options["across"], labelAngle=0)
    base = _rows().encode(
        x=alt.X("label:N", sort=shape.labels, axis=across),
        y=alt.Y("share:Q", axis=alt.Axis(title=options["unit"], tickCount=3)),
    )
    return alt.layer(
        base.transform_filter(FIRM).mark_bar(fill=ACCENT),
        base.transform_filter(PALE).mark_bar(fill=PAPER, stroke=MUTED, strokeDash=[3, 2]),
    ).properties(width=WIDTH, height=110)


def ranges(shape: Shape, options: Options) -> Any:
    """From the middle to the slow ones. Rows: `start`, `value`, `high`, `is_pale`. Options: `time_format`."""
    base = _rows().encode(x=_time(options))
    y = alt.Y("value:Q", axis=alt.Axis(title=options["unit"], tickCount=4))
    firm, pale = base.transform_filter(FIRM), base.transform_filter(PALE)
    return alt.layer(
        firm.mark_rule(color=ACCENT, strokeWidth=3).encode(y="value:Q", y2="high:Q"),
        pale.mark_rule(color=MUTED, strokeWidth=1).encode(y="value:Q", y2="high:Q"),
        base.mark_tick(color=MUTED, thickness=2, size=12, orient="horizontal").encode(y="high:Q"),
        firm.mark_point(fill=ACCENT, opacity=1, stroke=PAPER, size=70).encode(y=y),
        _hollow(pale, 60).encode(y=y),
    ).properties(width=WIDTH, height=130)


def hours(shape: Shape, options: Options) -> Any:
    """A week by the hour, darker where more comes; framed where somebody is there.

    Rows: `day`, `hour`, `n`, `is_open`. Options: `days`, in order; `across`, the title below.
    """
    across = alt.Axis(title=options["across"], values=[0, 6, 12, 18, 23], labelAngle=0)
    base = _rows().encode(
        x=alt.X("hour:O", axis=across),
        y=alt.Y("day:N", sort=options["days"], axis=alt.Axis(title=None, domain=False, ticks=False)),
    )
    shade = alt.Opacity("n:Q", scale=alt.Scale(domain=[0, options["most"]], range=[0, 1]), legend=None)
    opened = base.transform_filter("datum.is_open")
    return alt.layer(
        base.mark_rect(fill=ACCENT).encode(opacity=shade),
        opened.mark_rect(fill="transparent", stroke=INK, strokeWidth=0.8, opacity=1),
    ).properties(width=WIDTH - 10, height=alt.Step(18))


def _rows() -> Any:
    """A chart of the rows; who points at one is told its `tip`."""
    return alt.Chart(alt.NamedData(ROWS)).encode(tooltip=alt.Tooltip("tip:N"))


def _time(options: Options) -> alt.X:
    """Days as they are called in the business zone, whatever the reader's own."""
    axis = alt.Axis(title=None, grid=False, tickCount=4, format=options["time_format"], labelOverlap=True)
    return alt.X("start:T", scale=alt.Scale(type="utc"), axis=axis)


def _hollow(chart: Any, size: int) -> Any:
    return chart.mark_point(fill=PAPER, opacity=1, stroke=MUTED, strokeWidth=1, size=size)


KINDS = {each.__name__: each for each in (trend, dots, stack, bars, ranges, hours)}
