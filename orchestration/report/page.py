"""The page: screens and drawings as one HTML file, kept beside the marts of its version.

<version>/report/index.html     the page; opened from disk, it asks nobody for anything
<version>/report/dictionary.html  what every table and number means (`dictionary`)
<version>/report/brief.txt      the same in five lines, for a chat
<version>/report/drawings.json  its charts, for the next version to take over
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2

from orchestration.publication.publish import DATABASE
from orchestration.report import charts, data, explore, tickets
from orchestration.report.blocks import Chart
from orchestration.report.brief import brief
from orchestration.report.screens import screens
from orchestration.report.texts import Texts
from quality.contracts import Contract

FOLDER, PAGE, BRIEF, DRAWINGS = "report", "index.html", "brief.txt", "drawings.json"
#: Where `cxmarts ui` shows the current page, and below it those of versions.
ROOT = "/report/"
#: What every table and number means, on a page beside it.
DICTIONARY = "dictionary.html"
#: Where a page says that it is not its version's own.
NOTICE = "<!-- notice -->"
BEGIN, END = '<p class="notice" role="status">', "</p>"
HERE = Path(__file__).parent


def path(version: Path) -> Path:
    """Where the page of a version is."""
    return version / FOLDER / PAGE


def address(version: str) -> str:
    """Where `cxmarts ui` shows the page of a version."""
    return f"{ROOT}{version}/{PAGE}"


def write(
    version: Path,
    manifest: Mapping[str, Any],
    before: Path | None,
    *,
    marts: Mapping[str, Contract],
    language: str,
) -> str | None:
    """Make the report of a version, or a page in its place: no publication is lost for it.

    Args: those of `make`.

    Returns:
        Why there is none, and what stands there; None if there is one.
    """
    try:
        make(version, manifest, before, marts=marts, language=language)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        stand_in(version, manifest, before, language=language)
        return f"the report could not be made ({reason}): its page shows the version before, and says so"
    return None


def make(
    version: Path,
    manifest: Mapping[str, Any],
    before: Path | None,
    *,
    marts: Mapping[str, Contract],
    language: str,
) -> Path:
    """Make the report of a version, in its folder.

    Args:
        version: its folder, which holds `marts.duckdb`.
        manifest: its manifest.
        before: the folder of the version before, whose drawings are taken over.
        marts: the contracts of its marts.
        language: of the page.

    Returns:
        The page's path.

    Raises:
        Exception: whatever is wrong.
    """
    with data.connect(version / DATABASE) as con:
        found = data.read(con, manifest)
        behind = tickets.behind(con, found["signals"], marts)
    texts = Texts(language)
    told = screens(found, texts, behind)
    kept = charts.read(path(before).with_name(DRAWINGS)) if before else {}
    old = _text(path(before)) if before else ""
    packed, edition = charts.vega(old)
    shown = [*(t.chart for s in told for t in s.tiles if t.chart), *(c for s in told for c in s.charts)]
    drawn = charts.draw(shown, language, kept)

    def picture(chart: Chart) -> str:
        key = charts.key(chart, language)
        return charts.titled(drawn[key].svg, key, chart.title, chart.description)

    page = (
        environment()
        .get_template("page.html.j2")
        .render(
            texts=texts,
            screens=told,
            picture=picture,
            style=(HERE / "page.css").read_text(),
            notice=NOTICE,
            version=manifest["version"],
            dictionary=DICTIONARY,
            script=(HERE / "page.js").read_text(),
            vega=packed,
            edition=edition,
            fixed=explore.fixed(texts),
            chart_key=lambda chart: charts.key(chart, language),
            data={
                "cells": _json(explore.cells(found, texts)),
                "words": _json({word: texts(f"explore.{word}") for word in ("few", *explore.GRAINS)}),
                "locale": _json(charts.locale(language)),
                "specs": _json({key: each.spec for key, each in drawn.items()}),
            },
        )
    )
    target = path(version)
    target.parent.mkdir(exist_ok=True)
    charts.store(target.with_name(DRAWINGS), drawn)
    target.with_name(BRIEF).write_text(brief(told, texts) + "\n", encoding="utf-8")
    target.write_text(page, encoding="utf-8")
    return target


def stand_in(version: Path, manifest: Mapping[str, Any], before: Path | None, *, language: str) -> None:
    """The page of a version whose report cannot be made: that of the version before, which says so.

    Without one before, a page that says no more than that.
    """
    texts, target = Texts(language), path(version)
    target.parent.mkdir(exist_ok=True)
    page = _text(path(before)) if before else ""
    kept = _text(path(before).with_name(DRAWINGS)) if before else ""
    head, mark, body = page.partition(NOTICE)
    if mark:
        at = texts.time(datetime.fromisoformat(manifest["as_of"]), ZoneInfo(manifest["time_zone"]))
        told = html.escape(texts("notice", time=at))
        # Of two in a row the newest alone speaks.
        body = body.removeprefix(_between(body))
        page = f"{head}{mark}{BEGIN}{told}{END}{body}"
    else:
        told = html.escape(texts("no_report"))
        page = (
            f'<!DOCTYPE html><html lang="{texts.language}"><head><meta charset="utf-8">'
            f"<title>{told}</title></head><body><main><h1>{told}</h1></main></body></html>\n"
        )
    target.with_name(DRAWINGS).write_text(kept or "{}", encoding="utf-8")
    target.with_name(BRIEF).write_text(texts("no_report") + "\n", encoding="utf-8")
    target.write_text(page, encoding="utf-8")


def _between(body: str) -> str:
    return body[: body.index(END) + len(END)] if body.startswith(BEGIN) else ""


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""


def _json(value: object) -> str:
    """JSON as it may stand in a script: no text in it can end that, or begin a comment."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def environment() -> jinja2.Environment:
    """The templates; all that they are given is escaped."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
