"""Gate 2: what is expected of Typeform's parsed rows, by stream."""

from __future__ import annotations

from typing import Final

from quality.suites.parsed import plausible, present
from quality.verdicts import Expectation

#: What is expected beyond what holds of every parsed row.
DECLARED: Final[dict[str, tuple[Expectation, ...]]] = {
    "responses": (
        present("form_id", "response_id"),
        *plausible("submitted_at", "sent_at"),
    ),
}
