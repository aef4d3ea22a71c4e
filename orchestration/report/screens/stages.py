"""Where the time goes, by stage and group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from orchestration.report.blocks import Chart, Screen, Table
from orchestration.report.data import Data, Row
from orchestration.report.screens.words import count, member
from orchestration.report.texts import Texts

#: Stages that part a ticket's whole time, in its order; the others lie across them.
STAGES = ("new", "open", "pending", "hold", "solved")
WAITS = ("first_assignment", "hand_over", "unassigned")

#: A group by its id, or all of them.
Team = str | None
Cells = Mapping[tuple[Team, str], Row]


def screen(data: Data, texts: Texts) -> Screen:
    """The screen of a version."""
    rows, demand = data["stages"], _demand(data["demand"], texts)
    if not any(row["n"] for row in rows):
        return Screen("stages", texts("title.stages"), words=[texts("stages_none")], charts=demand)
    cells = {(_team(row), row["stage"]): row for row in rows}
    teams = _names(rows, texts)
    period = texts.period(rows[0]["grain"], rows[0]["start"])
    whole = cells.get((None, "all"))
    words = [texts("stages_intro", period=period, n=texts.number(whole["n"] if whole else 0))]
    if not any(row["n"] for row in rows if row["stage"] != "all"):
        words.append(texts("stages_untold"))
        return Screen("stages", texts("title.stages"), words=words, charts=demand)
    known = [row for stage in STAGES if (row := cells.get((None, stage))) and row["share"]]
    if known:
        most = max(known, key=lambda row: float(row["share"]))
        stage, share = texts.name("stage", most["stage"]), texts.value(most["share"], "percent")
        words.append(texts("stages_longest", stage=stage, share=share))
    waits = (texts("waits"), _waits(cells, teams, texts))
    charts = [_shares(cells, teams, texts), *demand]
    return Screen("stages", texts("title.stages"), words=words, charts=charts, tables=[waits])


def _demand(rows: Sequence[Row], texts: Texts) -> list[Chart]:
    """When tickets come, by the hour of the week, beside opening hours."""
    whole, most = sum(row["n"] for row in rows), max((row["n"] for row in rows), default=0)
    if not whole:
        return []
    days = texts.days()
    points = [
        {
            "day": days[row["hour"] // 24],
            "hour": row["hour"] % 24,
            "n": row["n"],
            "is_open": bool(row["is_open"]),
            "tip": texts(
                "hour_is",
                day=days[row["hour"] // 24],
                hour=row["hour"] % 24,
                n=texts.number(row["n"]),
                state=texts("is_open" if row["is_open"] else "is_closed"),
            ),
        }
        for row in rows
    ]
    by_hour = {row["hour"]: texts.number(row["n"]) for row in rows}
    body = [[f"{hour}:00", *(by_hour.get(day * 24 + hour, "0") for day in range(7))] for hour in range(24)]
    table = Table([texts("head.hour"), *days], body)
    outside = sum(row["n"] for row in rows if not row["is_open"])
    is_known = any(row["is_open"] for row in rows)
    told = texts(
        "chart.hours" if is_known else "chart.hours.unknown",
        period=texts.period(rows[0]["grain"], rows[0]["start"]),
        n=texts.number(whole),
        outside=texts.number(outside),
    )
    options = {"days": days, "across": texts("head.hour"), "most": most}
    return [Chart("hours", texts("chart.hours.title"), told, points, options, table)]


def _team(row: Row) -> Team:
    return None if row["dimension"] == "all" else row["member"]


def _names(rows: Sequence[Row], texts: Texts) -> dict[Team, str]:
    """What people call each group; two of one name also by their ids."""
    names = {_team(row): texts("all_groups") if _team(row) is None else member(row, texts) for row in rows}
    times = Counter(names.values())
    return {team: name if times[name] == 1 else f"{name} ({team})" for team, name in names.items()}


def _shares(cells: Cells, teams: Mapping[Team, str], texts: Texts) -> Chart:
    parts = [texts.name("stage", stage) for stage in STAGES]
    shares = [
        {
            "label": name,
            "part": parts[place],
            "number": place,
            "share": round(row["share"], 2),
            "tip": f"{name}, {parts[place]}: {texts.value(row['share'], 'percent')}",
        }
        for team, name in teams.items()
        for place, stage in enumerate(STAGES)
        if (row := cells.get((team, stage))) and row["share"]
    ]
    body = [
        [
            name,
            count(cells.get((team, "all")), texts),
            *(texts.value(_of(cells.get((team, stage)), "share"), "percent") for stage in STAGES),
        ]
        for team, name in teams.items()
    ]
    options = {"unit": texts("axis_unit.percent"), "parts": parts, "labels": list(teams.values())}
    table = Table([texts("head.group"), texts("head.n"), *parts], body)
    told = texts("chart.stages", count=texts.number(len(teams)))
    return Chart("stack", texts("chart.stages.title"), told, shares, options, table)


def _waits(cells: Cells, teams: Mapping[Team, str], texts: Texts) -> Table:
    columns = [
        (wait, number, word) for wait in WAITS for number, word in (("value", "middle"), ("high", "slow"))
    ]
    heads = [f"{texts.name('stage', wait)}: {texts(word)}" for wait, _, word in columns]
    body = [
        [name, *(texts.value(_of(cells.get((team, wait)), number), "seconds") for wait, number, _ in columns)]
        for team, name in teams.items()
    ]
    return Table([texts("head.group"), *heads], body)


def _of(row: Row | None, name: str) -> float | None:
    return row[name] if row else None
