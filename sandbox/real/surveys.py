"""What comes back of a real company's surveys: the clean company's answers with the faces of real accounts.

Links whose ticket was never filled in, questions that were replaced, faces in three languages, a permission
beside the rating, a survey of the staff, and people whose responses are deleted.
"""

from collections.abc import Iterable, Iterator
from random import Random

from sandbox.catalog import NPS_FORM
from sandbox.company import Company
from sandbox.hours import DAY
from sandbox.lifecycle import HOUR
from sandbox.real import forms
from sandbox.real.forms import FACES_FORM, RATINGS, RECOMMENDATIONS, STAFF_FORM
from sandbox.surveys import Answer, answer_time

FORGET_HOURS = 50  # after the first now the responses of those who asked for it are deleted
STAFF = 40

#: What a link's ticket and customer are where nobody filled them in.
PLACEHOLDERS = {"{{ticket.id}}": "{{ticket.requester.id}}", "xxxxx": "xxxxx", "": ""}


def is_forgotten(customer: int) -> bool:
    """Whether a customer asks to be deleted."""
    return customer % 9 == 4


def with_faces(
    company: Company,
    plain: Iterable[Answer],
    solves: Iterable[tuple[int, int]],
    mislinked: float,
    off_scale: float,
) -> list[Answer]:
    """A clean company's answers as they come to a real one, and those of its further forms, by submission.

    Args:
        company: whose people and times they are.
        plain: the answers of a clean one.
        solves: (ticket, unix second) of each ticket's first solve.
        mislinked: share of answers about no known ticket.
        off_scale: share of answers beside the scale.
    """
    rng = Random(company.seed + 102)
    told = [_told(company, rng, answer, mislinked) for answer in plain]
    for ticket, solved in solves:
        told += _faces(company, rng, ticket, solved, off_scale)
    told += _staff(company, rng)
    forget = company.first_now + FORGET_HOURS * HOUR
    told = [
        answer._replace(forgotten=forget)
        if answer.customer >= 0 and is_forgotten(answer.customer) and answer.submitted < forget
        else answer
        for answer in told
    ]
    told.sort(key=lambda answer: (answer.submitted, answer.form, answer.customer, answer.ticket))
    return [answer._replace(number=number) for number, answer in enumerate(told)]


def _told(company: Company, rng: Random, answer: Answer, mislinked: float) -> Answer:
    edition = forms.edition(company, answer.submitted)
    if answer.form == NPS_FORM:
        return answer._replace(asked=forms.asked(RECOMMENDATIONS, edition).id)
    question = forms.asked(RATINGS, edition)
    others = []
    if question is forms.RATING_BEFORE and rng.random() < 0.6:
        others.append((forms.EFFORT_BEFORE.id, 1 + int(rng.random() * 5)))
    if rng.random() < 0.7:
        others.append((forms.PERMISSION.id, int(rng.random() < 0.2)))
    answer = answer._replace(asked=question.id, others=tuple(others))
    return _about_nothing(rng, answer) if rng.random() < mislinked else answer


def _about_nothing(rng: Random, answer: Answer) -> Answer:
    """Its ticket was never filled in, or is none that anybody knows; often the customer is unknown, too."""
    roll = rng.random()
    if roll < 0.08:
        return answer._replace(ticket=-1, names=str(90_000_000 + answer.ticket))
    name = list(PLACEHOLDERS)[int(rng.random() ** 1.5 * len(PLACEHOLDERS))]
    return answer._replace(ticket=-1, names=name, customer=answer.customer if roll < 0.4 else -1)


def _faces(company: Company, rng: Random, ticket: int, solved: int, off_scale: float) -> Iterator[Answer]:
    """Every fifth of those who were helped chooses a face; most say how hard and how quick it was, too."""
    if rng.random() > 0.2:
        return
    submitted, visible = answer_time(rng, solved + HOUR)
    roll = rng.random()
    face = 2 if roll < 0.6 else 1 if roll < 0.75 else 0 if roll < 0.93 else 3
    is_on_scale = rng.random() < 1 - off_scale
    hard = 1 + int(rng.random() ** 2 * 7) if is_on_scale else rng.choice((0, 10, 70))
    quick = 1 + int(rng.random() ** 0.5 * 5)
    if visible <= company.end:
        yield Answer(
            submitted, visible, FACES_FORM, 0, solved + HOUR, int(company.requester[ticket]), ticket,
            face if rng.random() < 0.95 else None, -1, -1, -1,
            asked=forms.FACE.id,
            others=((forms.HARDSHIP.id, hard), (forms.SPEED.id, quick)) if rng.random() < 0.6 else (),
            language=max(0, int(rng.random() * 4) - 1),  # every other one in English
        )  # fmt: skip


def _staff(company: Company, rng: Random) -> Iterator[Answer]:
    """Employees answer once a quarter, less content than customers are."""
    for sent in range(company.start + 20 * DAY, company.end, 91 * DAY):
        for _ in range(STAFF):
            submitted, visible = answer_time(rng, sent)
            mood, recommend = 1 + int(rng.random() * 4), int(rng.random() * 9)
            if visible <= company.end:
                yield Answer(
                    submitted, visible, STAFF_FORM, 0, sent, -1, -1, mood, -1, -1, -1,
                    asked=forms.STAFF_MOOD.id, others=((forms.STAFF_RECOMMEND.id, recommend),),
                )  # fmt: skip
