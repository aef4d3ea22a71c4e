"""Charts as the page shows them: inline SVG, drawn only if it was not drawn before.

A drawing is known by what it is made of: the kind of chart, its data, the language, and the code and
libraries that draw it. Drawings are kept beside the page and taken over from version to version, so that a
chart whose numbers did not move costs nothing, and one of which nothing but numbers moved takes over its
specification; what specifies and what draws are imported only if they are needed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import importlib.metadata
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from orchestration.report.blocks import ROWS, Chart, Shape

Locale = Literal["en-US", "de-DE"]
LOCALES: Mapping[str, Locale] = {"en": "en-US", "de": "de-DE"}


def key(chart: Chart, language: str) -> str:
    """What the drawing of a chart is known by."""
    return _digest([chart.kind, chart.data, chart.options, language, _edition()])


@dataclass(frozen=True)
class Drawing:
    """A chart drawn: SVG without a title, the Vega-Lite specification it was drawn from, and its frame."""

    svg: str
    spec: dict[str, Any] = field(repr=False)
    frame: str


def draw(charts: Iterable[Chart], language: str, kept: Mapping[str, Any]) -> dict[str, Drawing]:
    """Draw the charts that are not among those kept.

    Args:
        charts: the charts.
        language: how their numbers and dates are written.
        kept: drawings as `store` wrote them.

    Returns:
        Key -> drawing, of these charts alone.
    """
    drawn: dict[str, Drawing] = {}
    frames = {each.get("frame"): each["spec"] for each in kept.values()}
    for chart in charts:
        name = key(chart, language)
        if name not in drawn:
            is_kept = name in kept
            drawn[name] = Drawing(**kept[name]) if is_kept else _draw(chart, language, frames)
    return drawn


def vega(page: str) -> tuple[str, str]:
    """Vega, Vega-Lite and Vega-Embed, packed (gzip, base64), and their edition.

    Args:
        page: the page before, which holds them too if it is of the same edition.
    """
    edition = importlib.metadata.version("vl-convert-python")
    _, found, rest = page.partition(f'id="vega" data-edition="{edition}">')
    return (rest.partition("<")[0] if found else _bundle()), edition


def locale(language: str) -> dict[str, Any]:
    """How a language writes numbers and times, in the words of D3."""
    import vl_convert

    name = LOCALES[language]
    return {"number": vl_convert.get_format_locale(name), "time": vl_convert.get_time_format_locale(name)}


@cache
def _bundle() -> str:
    import vl_convert

    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return base64.b64encode(gzip.compress(script.encode(), mtime=0)).decode()


def read(path: Path) -> dict[str, Any]:
    """Drawings that were kept; none if there are none or they cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return dict(found) if isinstance(found, dict) else {}


def store(path: Path, drawings: Mapping[str, Drawing]) -> None:
    """Keep drawings for the next version."""
    path.write_text(json.dumps({key: vars(each) for key, each in drawings.items()}, sort_keys=True))


def titled(svg: str, key: str, title: str, description: str) -> str:
    """A drawing as an image that says what it is."""
    head, _, body = svg.partition(">")
    named = f'<svg role="img" aria-labelledby="t{key} d{key}" {head.removeprefix("<svg ")}>'
    told = f'<title id="t{key}">{html.escape(title)}</title>'
    return f'{named}{told}<desc id="d{key}">{html.escape(description)}</desc>{body}'


def _draw(chart: Chart, language: str, frames: Mapping[str, dict[str, Any]]) -> Drawing:
    import vl_convert

    shape, locale = Shape.of(chart), LOCALES[language]
    frame = _digest([chart.kind, vars(shape), chart.options, language, _edition()])
    made = frames.get(frame) or _specification(chart, shape)
    told = {**made, "datasets": {**made.get("datasets", {}), ROWS: [dict(row) for row in chart.data]}}
    # In the order in which it is kept, so that a page does not tell whether it was.
    spec = json.loads(json.dumps(told, sort_keys=True))
    svg = vl_convert.vegalite_to_svg(
        spec, format_locale=locale, time_format_locale=locale, allowed_base_urls=[]
    )
    # It is one picture, and says what it is as a whole; its parts have no names.
    svg = re.sub(r' (?:xmlns:xlink|version|class|role|aria-\w+)="[^"]*"', "", svg)
    return Drawing(svg, spec, frame)


def _specification(chart: Chart, shape: Shape) -> dict[str, Any]:
    from orchestration.report import specs

    return specs.spec(chart.kind, shape, chart.options)


def _digest(made_of: list[Any]) -> str:
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:24]


@cache
def _edition() -> str:
    """The code and the libraries that draw."""
    code = Path(__file__).read_bytes() + Path(__file__).with_name("specs.py").read_bytes()
    libraries = [importlib.metadata.version(name) for name in ("altair", "vl-convert-python")]
    return "/".join([hashlib.sha256(code).hexdigest()[:12], *libraries])
