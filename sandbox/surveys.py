"""The company's surveys: CSAT after a solved ticket, NPS twice a year to every customer."""

from collections.abc import Iterable
from random import Random
from typing import NamedTuple

from sandbox.catalog import CHAT, CSAT_FORM, GOOD, NPS_FORM, SOLVED, VOICE
from sandbox.hours import DAY
from sandbox.lifecycle import HOUR, MINUTE, Update, bounded_lognormal

NPS_EVERY = 182 * DAY
NEVER = 1 << 40


class Answer(NamedTuple):
    """One completed response.

    `visible` is when the API first shows it: up to half an hour after it was submitted. `score` is None where
    the customer left the scale empty. `segment` is the hidden field: an index of catalog.SEGMENTS, -1 empty.
    The fields with defaults are those of a company like real ones.
    """

    submitted: int
    visible: int
    form: str
    number: int
    sent: int
    customer: int
    ticket: int  # index, -1 without one
    score: int | None
    segment: int
    product: int
    text: int  # index of a comment, -1 without one
    asked: str = ""  # id of the question that was scored, of a form that ever had others
    others: tuple[tuple[str, int], ...] = ()  # further questions' ids, and what was answered
    names: str | None = None  # the hidden ticket id as it came, where it is not that of a ticket
    language: int = 0
    forgotten: int = NEVER  # when the vendor deletes it


def answer_time(rng: Random, sent: int) -> tuple[int, int]:
    """When an answer to what was sent is submitted, and when it shows."""
    submitted = sent + bounded_lognormal(rng, 5 * HOUR, 1.4, 20 * DAY)
    late = rng.random()
    delay = int(rng.random() * 29 * MINUTE) if late < 0.05 else int(late * 20)
    return submitted, submitted + delay


def csat_answers(rng: Random, updates: list[Update], customer: int, channel: int, end: int) -> list[Answer]:
    """What comes back for one ticket: mostly nothing, sometimes an answer, rarely a second one."""
    solved = next((update for update in updates if update.status == SOLVED), None)
    if solved is None or rng.random() > (0.85 if channel in (CHAT, VOICE) else 0.2) or rng.random() > 0.3:
        return []
    sent = solved.t + HOUR
    submitted, visible = answer_time(rng, sent)
    days = (solved.t - updates[0].t) / DAY
    mood = rng.random() + min(days, 8.0) * 0.03
    score = 5 if mood < 0.55 else 4 if mood < 0.78 else 3 if mood < 0.88 else 2 if mood < 0.95 else 1
    answers = []
    tries = 2 if rng.random() < 0.03 else 1
    for _ in range(tries):
        if visible > end:
            break
        given = None if rng.random() < 0.02 else score
        text = int(rng.random() * 6) if rng.random() < 0.35 else -1
        answers.append(
            Answer(submitted, visible, CSAT_FORM, 0, sent, customer, updates[0].ticket, given, -1, -1, text)
        )
        score = max(1, score - 1)
        submitted += 2 * HOUR
        visible = submitted + 5
    return answers


def nps_answers(
    rng: Random, customer: int, invitations: Iterable[tuple[int, int]], segment: int, end: int
) -> list[Answer]:
    """A customer's answers to the question whether they recommend us.

    Args:
        rng: of their whims.
        customer: whose.
        invitations: when it was asked, and about which ticket (-1: none).
        segment: index of theirs, -1 for none.
        end: what shows later is left out.
    """
    answers = []
    for sent, ticket in invitations:
        if rng.random() >= 0.3:
            continue
        submitted, visible = answer_time(rng, sent)
        warmth = rng.random() + (0.08, 0.0, -0.06, 0.0)[segment]
        score = int(9 + (rng.random() < 0.5)) if warmth > 0.54 else int(7 + (rng.random() < 0.6))
        if warmth < 0.24:
            score = int(rng.random() * 7)
        given = None if rng.random() < 0.01 else score
        hidden = segment if rng.random() < 0.9 else -1
        text = int(rng.random() * 6) if rng.random() < 0.3 else -1
        if visible <= end:
            product = int(rng.random() * 3)
            answers.append(
                Answer(submitted, visible, NPS_FORM, 0, sent, customer, ticket, given, hidden, product, text)
            )
    return answers


def survey_rating(update: Update) -> int:
    """The rating on 1 to 5 behind a collapsed one: 4 and 5 are good."""
    return (5, 4, 5)[update.ticket % 3] if update.score == GOOD else 1 + update.ticket % 3
