"""What a real company's mailer sent: a survey by mail after some tickets, and once a month to some customers.

It exports files, and knows what it sent, what bounced, and whom it reminded: each mail has an id of its own.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from sandbox.catalog import CUSTOMER_ID
from sandbox.company import Company
from sandbox.hours import DAY
from sandbox.lifecycle import bounded_lognormal
from sandbox.real import forms
from sandbox.real.forms import MAILED
from sandbox.rendering import iso, ticket_id
from sandbox.surveys import Answer

REMINDED = 3 * DAY  # after the last mail that nobody answered
MONTHLY = 30 * DAY

MAPPINGS = {
    "mailed_answers": f"""file: answers.csv
format: csv
entity: survey_answers
source: {MAILED}
mode: append
id: Answer
columns: {{score: Stars, answered_at: Answered, ticket_id: Ticket, customer_id: Customer}}
date_format: iso8601
question: {{kind: csat, id: {forms.STARS.id}, scale_min: 1, scale_max: 5, positive_from: 4}}
""",
    "mailed_invitations": f"""file: mails.csv
format: csv
entity: survey_invitations
source: {MAILED}
mode: append
id: Mail
columns: {{sent_at: Sent, delivery: Status, ticket_id: Ticket, customer_id: Customer}}
date_format: iso8601
value_maps:
  delivery: {{Delivered: delivered, Bounced: bounced}}
""",
}


class Mailing(NamedTuple):
    """One survey to one customer: when it was mailed, the reminders after the first, and what came back."""

    customer: int
    ticket: int  # -1 about none
    mails: tuple[int, ...]
    is_bounced: bool
    answer: Answer | None


def mailings(company: Company, solves: Iterable[tuple[int, int]]) -> list[Mailing]:
    """All of them, by the first mail; `solves` are (ticket, unix second) of each ticket's first solve."""
    rng = Random(company.seed + 103)
    found = [
        _mailing(company, rng, customer, ticket, solved + DAY)
        for ticket, solved in solves
        if not _is_asked_monthly(customer := int(company.requester[ticket])) and rng.random() < 0.15
    ]
    for customer in filter(_is_asked_monthly, range(company.customers)):
        for sent in range(int(company.joined[customer]) + 5 * DAY, company.end, MONTHLY):
            found.append(_mailing(company, rng, customer, -1, sent))
    found.sort(key=lambda mailing: (mailing.mails, mailing.customer, mailing.ticket))
    return [
        mailing._replace(answer=mailing.answer and mailing.answer._replace(number=number))
        for number, mailing in enumerate(found)
    ]


def _is_asked_monthly(customer: int) -> bool:
    return customer % 20 == 3


def _mailing(company: Company, rng: Random, customer: int, ticket: int, sent: int) -> Mailing:
    if rng.random() < 0.06:
        return Mailing(customer, ticket, (sent,), True, None)
    answered = sent + bounded_lognormal(rng, 2 * DAY, 1.2, 20 * DAY) if rng.random() < 0.4 else None
    wanted = (sent, sent + REMINDED, sent + 2 * REMINDED)[: 1 + int(rng.random() * 3)]
    mails = tuple(t for t in wanted if answered is None or t < answered)
    if answered is None or answered > company.end:
        return Mailing(customer, ticket, mails, False, None)
    stars = 5 - int(rng.random() ** 2 * 5)
    answer = Answer(
        answered, answered, MAILED, 0, sent, customer, ticket, stars, -1, -1, -1, asked=forms.STARS.id
    )
    return Mailing(customer, ticket, mails, False, answer)


def export(company: Company, found: Iterable[Mailing], folder: Path) -> None:
    """Write the mailer's files as of the company's now, with their mappings, into a folder."""
    found, now = list(found), company.now_seconds
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in MAPPINGS.items():
        (folder / f"{name}.yml").write_text(text)
    _write(folder / "mails.csv", ("Mail", "Sent", "Status", "Ticket", "Customer"), _mails(found, now))
    _write(
        folder / "answers.csv", ("Answer", "Answered", "Stars", "Ticket", "Customer"), _answers(found, now)
    )


def _write(path: Path, names: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows])


def _about(mailing: Mailing) -> tuple[object, ...]:
    return ticket_id(mailing.ticket) if mailing.ticket >= 0 else "", CUSTOMER_ID + 128 * mailing.customer


def _mails(found: Iterable[Mailing], now: int) -> Iterator[tuple[object, ...]]:
    for place, mailing in enumerate(found):
        for number, t in enumerate(mailing.mails):
            if t <= now:
                status = "Bounced" if mailing.is_bounced else "Delivered"
                yield f"m{place}-{number}", iso(t), status, *_about(mailing)


def _answers(found: Iterable[Mailing], now: int) -> Iterator[tuple[object, ...]]:
    for place, mailing in enumerate(found):
        answer = mailing.answer
        if answer is not None and answer.submitted <= now:
            yield f"a{place}", iso(answer.submitted), answer.score, *_about(mailing)
