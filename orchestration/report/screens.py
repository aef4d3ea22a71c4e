"""What the report says: the rows of a version as sentences, tiles, charts and tables, screen by screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from orchestration.report.charts import Cell, Chart, Table
from orchestration.report.data import Data, Row
from orchestration.report.texts import NONE, UNITS, Texts
from orchestration.report.tickets import Behind

#: The KPIs of the first screen.
TILES = ("csat", "nps", "first_reply_time", "sla_first_reply", "backlog", "tickets_created")
SEGMENTED = ("csat", "nps", "sla_first_reply")
POINTS = 26
#: Stages that part a ticket's whole time, in its order; the others lie across them.
STAGES, WAITS = ("new", "open", "pending", "hold", "solved"), ("first_assignment", "hand_over", "unassigned")
#: How many questions have their scores drawn.
QUESTIONS = 6
LISTS = ("promise", "contact", "oldest")
#: Sentences, and members beside the whole, of what is no noise.
SENTENCES = 12


@dataclass(frozen=True)
class Tile:
    """A KPI at a glance. `word` says how it stands, `mood` how that is coloured: good, bad, plain or pale."""

    name: str
    value: str
    period: str
    n: str
    word: str
    mood: str
    reason: str
    facts: Sequence[str]
    chart: Chart | None


@dataclass(frozen=True)
class Sentence:
    """A statement, with the tickets behind it if they can be named, and how many of all those are."""

    text: str
    mood: str = "plain"
    tickets: Sequence[Cell] = ()
    shown: str = ""


@dataclass(frozen=True)
class Screen:
    """A part of the page: paragraphs, then blocks side by side; `grid` is how wide those are."""

    key: str
    title: str
    words: Sequence[str] = ()
    tiles: Sequence[Tile] = ()
    sentences: Sequence[Sentence] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[tuple[str, Table]] = ()
    folded: Sequence[tuple[str, Table]] = ()
    notes: Sequence[str] = field(default=())


@dataclass(frozen=True)
class Links:
    """Where tickets can be seen: source -> address with `{id}` in it. Without one a ticket is its number."""

    pages: Mapping[str, str]

    def ticket(self, source: str, ticket: str) -> Cell:
        """A ticket as a cell: what a survey tool names is looked for where there is but one helpdesk."""
        only = next(iter(self.pages.values())) if len(self.pages) == 1 else None
        page = self.pages.get(source, only)
        return (ticket, page.replace("{id}", ticket)) if page and ticket.isalnum() else ticket


def screens(data: Data, texts: Texts, links: Links, tickets: Mapping[int, Behind]) -> list[Screen]:
    """All screens, in the page's order.

    Args:
        data: the version's numbers.
        texts: the language.
        links: where tickets can be seen.
        tickets: those behind the signals, by their place among `data["signals"]`.
    """
    return [
        _fresh(data, texts),
        _tiles(data, texts),
        _changes(data, texts, links, tickets),
        _today(data, texts, links),
        _stages(data, texts),
        _spread(data, texts),
        _experience(data, texts),
        _definitions(data, texts),
    ]


def last_whole(grain: str, day: date) -> date:
    """First day of the last period that was over when `day` began."""
    if grain == "week":
        return day - timedelta(days=day.weekday() + 7)
    if grain == "month":
        return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
    first = day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    return first.replace(month=(first.month - 1) // 3 * 3 + 1, day=1)


# --- 1: as of when --------------------------------------------------------------------------------------


def _fresh(data: Data, texts: Texts) -> Screen:
    week = texts.period("week", last_whole("week", data.today))
    words = [
        texts("as_of", time=texts.time(data.as_of, data.zone), zone=data.zone.key),
        texts("last_week", period=week),
    ]
    stale = [row["source"] for row in data["sources"] if row["is_stale"]]
    words.append(texts("stale", sources=", ".join(stale)) if stale else texts("fresh"))
    if not data["sources"]:
        words = [*words[:2], texts("no_sources")]
    restated = sum(row["cells"] for row in data["restated"])
    words.append(texts("restated", cells=texts.number(restated)) if restated else texts("not_restated"))
    number = texts.number
    sources = Table(
        [
            texts(f"head.{name}")
            for name in ("source", "state", "fetched", "newest", "records", "rejected", "held")
        ],
        [
            [
                row["source"],
                texts("state.stale" if row["is_stale"] else "state.fresh"),
                texts.time(row["fetched_at"], data.zone),
                texts.time(row["newest_at"], data.zone),
                number(row["records"]),
                number(row["rejected"]),
                number((row["held"] or 0) + (row["lost"] or 0)),
            ]
            for row in data["sources"]
        ],
    )
    folded = []
    if data.warnings:
        words.append(texts("warned", count=number(len(data.warnings))))
        rows = [[subject.replace("_", " "), message] for subject, message in data.warnings]
        folded.append((texts("warnings"), Table([texts("head.about"), texts("head.warning")], rows, "en")))
    if data["gaps"]:
        words.append(texts("gaps_told", count=number(len(data["gaps"]))))
        rows = [
            [
                texts.name("measure", r["measure"]),
                number(r["known"]),
                number(r["expected"]),
                r["channels"] or NONE,
            ]
            for r in data["gaps"]
        ]
        heads = [texts(f"head.{name}") for name in ("number", "known", "expected", "channels")]
        folded.append((texts("gaps"), Table(heads, rows)))
    if restated:
        rows = [
            [r["mart"].replace("_", " "), texts.name("cause", r["cause"]), number(r["cells"])]
            for r in data["restated"]
        ]
        heads = [texts(f"head.{name}") for name in ("table", "cause", "numbers")]
        folded.append((texts("restatements"), Table(heads, rows)))
    return Screen("fresh", texts("title.fresh"), words, tables=[(texts("sources"), sources)], folded=folded)


# --- 2: the tiles -------------------------------------------------------------------------------------------


def _tiles(data: Data, texts: Texts) -> Screen:
    series: dict[tuple[str, str], list[Row]] = {}
    for row in data["trend"]:
        series.setdefault((row["kpi"], row["grain"]), []).append(row)
    tiles = [_tile(kpi, series, data.today, texts) for kpi in TILES]
    return Screen(
        "tiles", texts("title.tiles"), [texts("tiles_intro")], tiles=tiles, notes=[texts("tiles_note")]
    )


def chosen(kpi: str, series: Mapping[tuple[str, str], Sequence[Row]], today: date) -> Row | None:
    """The row that a tile shows: of the last whole week whose numbers are settled, or month, or quarter.

    The first that is not small; where all are, the one that counts most. None without any.
    """
    found = []
    for grain in ("week", "month", "quarter"):
        rows = series.get((kpi, grain), ())
        day = today - timedelta(days=max((row["settles"] for row in rows), default=0))
        start = last_whole(grain, day)
        found += [row for row in rows if row["start"] == start and row["value"] is not None]
    return next(
        (row for row in found if not row["is_small"]), max(found, key=lambda row: row["n"] or 0, default=None)
    )


def _tile(kpi: str, series: Mapping[tuple[str, str], list[Row]], today: date, texts: Texts) -> Tile:
    name, row = texts.name("kpi", kpi), chosen(kpi, series, today)
    if row is None:
        return Tile(name, NONE, "", "", texts("word.none"), "pale", texts("why.none"), [], None)
    unit, period = row["unit"], texts.period(row["grain"], row["start"])
    rows = series[kpi, row["grain"]]
    word, mood, reason = _judge(row, rows, texts)
    value = texts.value(row["value"], unit)
    n = "" if unit == "tickets" else texts("n", n=texts.number(row["n"]))
    facts = []
    if row["low"] is not None:
        facts.append(texts("interval_is", interval=texts.interval(row["low"], row["high"], unit)))
    facts.append(_target(row, texts))
    before = row["before"]
    facts.append(
        texts("before", value=texts.value(before, unit)) if before is not None else texts("no_before")
    )
    chart = _trend(name, row, rows, texts)
    return Tile(name, value, period, n, word, mood, reason, facts, chart)


def _judge(row: Row, rows: Sequence[Row], texts: Texts) -> tuple[str, str, str]:
    """The word on a row of a series, its mood, and why."""
    unit = row["unit"]
    limits = texts.interval(row["floor"], row["ceiling"], unit)
    if row["is_small"]:
        return texts("word.few"), "pale", texts("why.few")
    if row["signal"] in ("beyond_limits", "run"):
        center = texts.value(row["center"], unit)
        why = texts(
            f"why.{row['signal']}", limits=limits, center=center, periods=texts(f"periods.{row['grain']}")
        )
        return _shift(row["shift"], texts), _mood(row["shift"]), why
    if row["is_change_real"]:
        side = "higher" if row["value"] > row["before"] else "lower"
        shift = side if row["better"] is None else "better" if side == row["better"] else "worse"
        return _shift(shift, texts), _mood(shift), texts("why.change")
    if row["signal"] == "none":
        return texts("word.unchanged"), "plain", texts("why.within", limits=limits)
    if row["is_change_real"] is not None:
        return texts("word.unchanged"), "plain", texts("why.noise")
    is_charted = len(rows) < POINTS or any(each["chart"] for each in rows)
    return texts("word.unjudged"), "plain", texts("why.unjudged" if is_charted else "why.uncharted")


def _shift(shift: str, texts: Texts) -> str:
    return texts(f"word.{shift}")


def _mood(shift: str) -> str:
    return {"better": "good", "worse": "bad"}.get(shift, "plain")


def _target(row: Row, texts: Texts) -> str:
    unit, gap = row["unit"], row["gap"]
    if row["target"] is None or gap is None:
        return texts("target.none")
    target = texts.value(row["target"], unit)
    if not gap:
        return texts("target.met", target=target)
    if unit == "percent":
        size = texts("unit.points", number=texts.number(abs(gap), 1))
    else:
        size = texts.value(abs(gap), unit)
    said = texts("target.above" if gap > 0 else "target.below", target=target, gap=size)
    verdict = texts.name("status", row["status"])
    within = texts("target.noise") if row["is_gap_real"] is False else ""
    return " ".join(filter(None, (f"{said}: {verdict}.", within)))


def _trend(name: str, row: Row, rows: Sequence[Row], texts: Texts) -> Chart:
    rows = [each for each in rows if each["start"] <= row["start"]][-POINTS:]
    size, unit = _scale([each["value"] for each in rows], row["unit"], texts)

    def scaled(value: float | None) -> float | None:
        return None if value is None else round(value / size, 4)

    data: list[dict[str, Any]] = []
    for each in rows:
        point = {name: scaled(each[name]) for name in ("value", "floor", "ceiling", "center")}
        point |= {
            "start": each["start"].isoformat(),
            "is_pale": bool(each["is_small"]),
            "is_chosen": each is row,
        }
        data.append(point | ({"low": scaled(row["low"]), "high": scaled(row["high"])} if each is row else {}))
    heads = [texts(f"head.{each}") for each in ("period", "value", "n", "interval", "limits")]
    table = Table(
        heads,
        [
            [
                texts.period(each["grain"], each["start"]),
                texts.value(each["value"], each["unit"]),
                texts.number(each["n"]) + (f" ({texts('word.few')})" if each["is_small"] else ""),
                texts.interval(each["low"], each["high"], each["unit"]),
                texts.interval(each["floor"], each["ceiling"], each["unit"]),
            ]
            for each in reversed(rows)
        ],
    )
    values = [each["value"] for each in rows if each["value"] is not None]
    description = texts(
        "chart.trend",
        periods=texts.number(len(rows)),
        grain=texts(f"periods.{row['grain']}"),
        low=texts.value(min(values), row["unit"]),
        high=texts.value(max(values), row["unit"]),
        last=texts.value(row["value"], row["unit"]),
    )
    options = {"unit": unit, "target": scaled(row["target"]), "time_format": texts(f"axis.{row['grain']}")}
    return Chart("trend", name, description, data, options, table)


def _scale(values: Sequence[float | None], unit: str | None, texts: Texts) -> tuple[float, str]:
    """What to divide by so that an axis has handy numbers, and the axis's title."""
    if unit != "seconds":
        return 1, texts.name("axis_unit", unit or "number")
    most = max((abs(value) for value in values if value is not None), default=0)
    name, size = next(((name, size) for name, size in UNITS if most >= 2 * size), ("seconds", 1))
    return size, texts.name("axis_unit", name)


# --- 3: what changed ----------------------------------------------------------------------------------------


def _changes(data: Data, texts: Texts, links: Links, tickets: Mapping[int, Behind]) -> Screen:
    signals = data["signals"]
    sentences = []
    for place, row in enumerate(signals[:SENTENCES]):
        found = tickets.get(place)
        linked = [links.ticket(*each) for each in found.tickets] if found else []
        about = _of_all(len(linked), found.count, texts) if found else ""
        sentences.append(Sentence(_signal(row, texts), _mood(row["shift"]), linked, about))
    words = []
    if not data["judged"]:
        words.append(texts("nothing_judged"))
    elif not signals:
        words.append(texts("noise"))
    for row in data["judged"]:
        key = "judged.all" if row["is_all"] else "judged.members"
        words.append(
            texts(key, periods=texts.number(row["periods"]), chance=texts.number(row["by_chance"], 1))
        )
    if len(signals) > SENTENCES:
        words.append(texts("more_signals", count=texts.number(len(signals) - SENTENCES)))
    return Screen("changes", texts("title.changes"), sentences=sentences, notes=words)


def _of_all(shown: int, count: int, texts: Texts) -> str:
    return texts("tickets_of", shown=texts.number(shown), count=texts.number(count))


def _signal(row: Row, texts: Texts) -> str:
    unit, grain = row["unit"], texts(f"periods.{row['grain']}")
    about = texts.name("kpi", row["kpi"])
    if row["dimension"] != "all":
        about = texts(
            "of_member",
            kpi=about,
            dimension=texts.name("dimension", row["dimension"]),
            member=_member(row, texts),
        )
    return texts(
        f"signal.{row['signal']}",
        about=about,
        period=texts.period(row["grain"], row["start"]),
        value=texts.value(row["value"], unit),
        limits=texts.interval(row["floor"], row["ceiling"], unit),
        center=texts.value(row["center"], unit),
        word=texts(f"word.{row['shift']}"),
        side=texts("side.above" if row["value"] > row["center"] else "side.below"),
        grain=grain,
    )


def _member(row: Row, texts: Texts) -> str:
    return texts("nobody") if row["member"] == "(none)" else str(row["label"])


# --- 4: today -----------------------------------------------------------------------------------------------


def _today(data: Data, texts: Texts, links: Links) -> Screen:
    found = {key: list(rows) for key, rows in groupby(data["due"], lambda row: row["list"])}
    tables, words = [], []
    for key in LISTS:
        rows = found.get(key, [])
        if not rows:
            words.append(texts(f"due.{key}.none"))
            continue
        count = {"lines": texts.number(rows[0]["lines"]), "overdue": texts.number(rows[0]["overdue"])}
        title = texts(f"due.{key}", **count)
        heads = [texts(f"head.{name}") for name in ("ticket", "why", "when", "group", "priority")]
        body = [
            [
                links.ticket(row["source"], row["ticket"]),
                _why(row, texts),
                _when(row, data, texts),
                row["team"] or NONE,
                texts.name("priority", row["priority"]) if row["priority"] else NONE,
            ]
            for row in rows
        ]
        tables.append((title, Table(heads, body)))
    return Screen("today", texts("title.today"), words, tables=tables)


def _why(row: Row, texts: Texts) -> str:
    kind = {"promise": "measure", "contact": "unhappy", "oldest": "status"}[row["list"]]
    about = texts.name(kind, row["about"])
    return texts("why.overdue", about=about) if row["is_overdue"] else about


def _when(row: Row, data: Data, texts: Texts) -> str:
    as_of = data.as_of.replace(tzinfo=None)
    if row["list"] == "oldest":
        return texts("open_for", time=texts.value((as_of - row["since"]).total_seconds(), "seconds", 0))
    if row["due_at"] is None:
        return texts("no_due")
    seconds = (row["due_at"] - as_of).total_seconds()
    shown = texts.value(abs(seconds), "seconds", 0)
    return texts("due_in" if seconds >= 0 else "due_since", time=shown)


# --- 5: where the time goes ---------------------------------------------------------------------------------


def _stages(data: Data, texts: Texts) -> Screen:
    rows = data["stages"]
    if not any(row["n"] for row in rows):
        return Screen("stages", texts("title.stages"), [texts("stages_none")])
    period = texts.period(rows[0]["grain"], rows[0]["start"])
    teams = {(row["dimension"] != "all", row["member"]): _team(row, texts) for row in rows}
    cells = {((row["dimension"] != "all", row["member"]), row["stage"]): row for row in rows}
    parts = [texts.name("stage", stage) for stage in STAGES]
    shares: list[dict[str, Any]] = []
    for team, label in teams.items():
        for number, stage in enumerate(STAGES):
            row = cells.get((team, stage))
            if row and row["share"]:
                shares.append(
                    {"label": label, "part": parts[number], "number": number, "share": round(row["share"], 2)}
                )
    labels = list(teams.values())
    share_table = Table(
        [texts("head.group"), texts("head.n"), *parts],
        [
            [
                label,
                _count(cells.get((team, "all")), texts),
                *(texts.value(_of(cells.get((team, stage)), "share"), "percent") for stage in STAGES),
            ]
            for team, label in teams.items()
        ],
    )
    options = {"unit": texts("axis_unit.percent"), "parts": parts, "labels": labels}
    whole = cells.get(((False, "all"), "all"))
    longest = max(
        (row for row in rows if row["dimension"] == "all" and row["stage"] in STAGES),
        key=lambda r: r["share"] or 0,
        default=None,
    )
    words = [texts("stages_intro", period=period, n=texts.number(whole["n"] if whole else 0))]
    if longest and longest["share"]:
        words.append(
            texts(
                "stages_longest",
                stage=texts.name("stage", longest["stage"]),
                share=texts.value(longest["share"], "percent"),
            )
        )
    waits = Table(
        [
            texts("head.group"),
            *(f"{texts.name('stage', w)}: {texts(k)}" for w in WAITS for k in ("middle", "slow")),
        ],
        [
            [
                label,
                *(
                    texts.value(_of(cells.get((team, w)), k), "seconds")
                    for w in WAITS
                    for k in ("value", "high")
                ),
            ]
            for team, label in teams.items()
        ],
    )
    chart = Chart(
        "stack",
        texts("chart.stages.title"),
        texts("chart.stages", count=len(labels)),
        shares,
        options,
        share_table,
    )
    return Screen("stages", texts("title.stages"), words, charts=[chart], tables=[(texts("waits"), waits)])


def _team(row: Row, texts: Texts) -> str:
    return texts("all_groups") if row["dimension"] == "all" else _member(row, texts)


def _of(row: Row | None, name: str) -> float | None:
    return row[name] if row else None


def _count(row: Row | None, texts: Texts) -> str:
    if not row:
        return NONE
    return texts.number(row["n"]) + (f" ({texts('word.few')})" if row["is_small"] else "")


# --- 6: distributions and segments --------------------------------------------------------------------------


def _spread(data: Data, texts: Texts) -> Screen:
    quarter = texts.period("quarter", last_whole("quarter", data.today))
    charts = [*_times(data, texts), *_scores(data, texts), *_segments(data, texts)]
    words = [texts("spread_intro", period=quarter)] if charts else [texts("spread_none", period=quarter)]
    return Screen("spread", texts("title.spread"), words, charts=charts)


def _times(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    for measure, found in groupby(data["times"], lambda row: row["measure"]):
        rows = list(found)
        size, unit = _scale([row["high"] for row in rows], "seconds", texts)
        points = [
            {
                "start": row["start"].isoformat(),
                "value": round(row["value"] / size, 4),
                "high": round(row["high"] / size, 4),
                "is_pale": bool(row["is_small"]),
            }
            for row in rows
        ]
        heads = [texts(f"head.{name}") for name in ("period", "n", "median", "p90")]
        body = [
            [
                texts.period("month", r["start"]),
                _count(r, texts),
                texts.value(r["value"], "seconds"),
                texts.value(r["high"], "seconds"),
            ]
            for r in reversed(rows)
        ]
        last = rows[-1]
        told = texts(
            "chart.times",
            period=texts.period("month", last["start"]),
            median=texts.value(last["value"], "seconds"),
            high=texts.value(last["high"], "seconds"),
        )
        options = {"unit": unit, "time_format": texts("axis.month")}
        title = texts("chart.times.title", measure=texts.name("times", measure))
        charts.append(Chart("ranges", title, told, points, options, Table(heads, body)))
    return charts


def _scores(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    questions = groupby(
        data["scores"], lambda row: (row["kind"], row["source"], row["survey"], row["question"])
    )
    for (kind, _, survey, question), found in list((key, list(rows)) for key, rows in questions)[:QUESTIONS]:
        rows = found
        bars = [
            {"label": texts.number(r["score"]), "share": round(r["share"], 2), "is_pale": bool(r["is_small"])}
            for r in rows
        ]
        options = {"unit": texts("axis_unit.percent"), "across": texts("head.score")}
        heads = [texts(f"head.{name}") for name in ("score", "n", "share")]
        body = [
            [texts.number(r["score"]), texts.number(r["n"]), texts.value(r["share"], "percent")] for r in rows
        ]
        title = texts("chart.scores.title", kpi=texts.name("kpi", kind), survey=survey, question=question)
        most = max(rows, key=lambda row: row["n"])
        few = f" ({texts('word.few')})" if rows[0]["is_small"] else ""
        told = texts(
            "chart.scores", n=texts.number(rows[0]["answers"]) + few, score=texts.number(most["score"]),
            share=texts.value(most["share"], "percent"),
        )  # fmt: skip
        charts.append(Chart("bars", title, told, bars, options, Table(heads, body)))
    return charts


def _segments(data: Data, texts: Texts) -> list[Chart]:
    charts = []
    for kpi in SEGMENTED:
        rows = [row for row in data["members"] if row["kpi"] == kpi]
        if not rows:
            continue
        unit = rows[0]["unit"]
        points = [_point(row, _member(row, texts), texts) for row in rows]
        options = {
            "unit": texts.name("axis_unit", unit or "number"),
            "line": rows[0]["target"],
            "domain": [-100, 100] if unit == "points" else [0, 100],
        }
        title = texts(
            "chart.members.title", kpi=texts.name("kpi", kpi), dimension=texts.name("dimension", "segment")
        )
        heads = [texts("head.segment"), *(texts(f"head.{name}") for name in ("value", "n", "interval"))]
        body = [
            [
                _member(row, texts), texts.value(row["value"], unit), _count(row, texts),
                texts.interval(row["low"], row["high"], unit),
            ]
            for row in rows
        ]  # fmt: skip
        told = "; ".join(f"{line[0]} {line[1]} (n {line[2]})" for line in body)
        charts.append(Chart("dots", title, told, points, options, Table(heads, body)))
    return charts


def _point(row: Row, label: str, texts: Texts) -> dict[str, Any]:
    return {
        "label": f"{label} ({texts.number(row['n'])})",
        "value": row["value"] if row["value"] is None else round(row["value"], 3),
        "low": row["low"] if row["low"] is None else round(row["low"], 3),
        "high": row["high"] if row["high"] is None else round(row["high"], 3),
        "is_pale": bool(row["is_small"]),
    }


# --- 7: did it matter ---------------------------------------------------------------------------------------


def _experience(data: Data, texts: Texts) -> Screen:
    charts, words = [], [texts("association")]
    for kind, found in groupby(data["experience"], lambda row: row["kind"]):
        rows = list(found)
        real = [row for row in rows if row["is_real"]]
        for row in sorted(real, key=lambda row: -abs(row["difference"]))[:3]:
            words.append(_difference(row, texts))
        if not real:
            words.append(texts("no_difference", kpi=texts.name("kpi", kind)))
        points = [
            _point({**row, "value": row["difference"]}, _exposure(row, texts, "short"), texts) for row in rows
        ]
        heads = [
            texts(f"head.{name}")
            for name in ("experience", "n", "value", "n_others", "others", "difference", "interval")
        ]
        unit = "points" if kind == "nps" else "percent"
        body = [
            [
                _exposure(row, texts), _count(row, texts), texts.value(row["value"], unit),
                texts.number(row["rest_n"]), texts.value(row["rest_value"], unit),
                texts.number(row["difference"], 1),
                texts.interval(row["low"], row["high"], "points"),
            ]
            for row in rows
        ]  # fmt: skip
        options = {"unit": texts("axis_unit.points"), "line": 0}
        title = texts("chart.experience.title", kpi=texts.name("kpi", kind))
        charts.append(
            Chart(
                "dots", title, texts("chart.experience", count=len(rows)), points, options, Table(heads, body)
            )
        )
    if not charts:
        words.append(texts("experience_none"))
    return Screen("experience", texts("title.experience"), words, charts=charts)


def _exposure(row: Row, texts: Texts, kind: str = "factor") -> str:
    factor, exposure = texts.name(kind, row["factor"]), texts.name("exposure", row["exposure"])
    return texts("exposure_is", factor=factor, exposure=exposure)


def _difference(row: Row, texts: Texts) -> str:
    unit = "points" if row["kind"] == "nps" else "percent"
    return texts(
        "difference",
        kpi=texts.name("kpi", row["kind"]),
        exposure=_exposure(row, texts),
        value=texts.value(row["value"], unit),
        n=texts.number(row["n"]),
        others=texts.value(row["rest_value"], unit),
        n_others=texts.number(row["rest_n"]),
    )


# --- 8: what the numbers mean -------------------------------------------------------------------------------


def _definitions(data: Data, texts: Texts) -> Screen:
    meant = Table(
        [texts(f"head.{name}") for name in ("kpi", "definition", "variant")],
        [
            [texts.name("kpi", row["kpi"]), row["definition"], row["variant"] or ""]
            for row in data["definitions"]
        ],
        "en",
    )
    rows, number = data["reconciliation"], texts.number
    compared, apart = (
        sum(row["compared"] for row in rows),
        sum(row["compared"] - row["equal"] for row in rows),
    )
    words = [texts("definitions_intro"), texts("english")]
    if compared:
        unexplained = sum(row["unexplained"] for row in rows)
        words.append(
            texts(
                "reconciled", compared=number(compared), apart=number(apart), unexplained=number(unexplained)
            )
        )
    else:
        words.append(texts("not_reconciled"))
    names = ("compared", "equal", "by_schedule", "by_rule", "by_history", "unexplained")
    why = Table(
        [texts("head.number"), texts("head.clock"), *(texts(f"head.{name}") for name in names)],
        [
            [
                texts.name("measure", r["measure"]),
                texts.name("clock", r["clock"]),
                *(number(r[name]) for name in names),
            ]
            for r in rows
        ],
    )
    folded = [(texts("definitions"), meant)]
    if rows:
        folded.append((texts("reconciliation"), why))
    return Screen("definitions", texts("title.definitions"), words, folded=folded)
