"""The report in five lines, for a chat: where we stand, what changed, what is due, what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.report.blocks import Screen
from orchestration.report.texts import Texts

#: Sentences of what changed.
SENTENCES = 2


def brief(screens: Sequence[Screen], texts: Texts) -> str:
    """The five lines, in the words of the report's screens."""
    shown = {screen.key: screen for screen in screens}
    tiles = [
        f"{each.name} {each.value} ({each.word}{'' if each.is_usual else ', ' + each.period})"
        for each in shown["tiles"].tiles
    ]
    changes = shown["changes"]
    changed = [each.text for each in changes.sentences[:SENTENCES]] or changes.notes[:1]
    return "\n".join(
        [
            f"{texts('title')}: {shown['tiles'].words[0]}",
            "; ".join(tiles),
            " ".join(changed),
            "; ".join([*(name for name, _ in shown["today"].tables), *shown["today"].notes]),
            " ".join(shown["fresh"].words),
        ]
    )
