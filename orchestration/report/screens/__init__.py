"""What the report says: the rows of a version as sentences, tiles, charts and tables, screen by screen."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.report.blocks import Screen
from orchestration.report.data import Data
from orchestration.report.screens import (
    changes,
    definitions,
    experience,
    fresh,
    spread,
    stages,
    tiles,
    today,
)
from orchestration.report.texts import Texts
from orchestration.report.tickets import Behind


def screens(data: Data, texts: Texts, tickets: Mapping[int, Behind]) -> list[Screen]:
    """All screens, in the page's order.

    Args:
        data: the version's numbers.
        texts: the language.
        tickets: those behind the signals, by their place among `data["signals"]`.
    """
    return [
        tiles.screen(data, texts),
        changes.screen(data, texts, tickets),
        today.screen(data, texts),
        stages.screen(data, texts),
        spread.screen(data, texts),
        experience.screen(data, texts),
        fresh.screen(data, texts),
        definitions.screen(data, texts),
    ]
