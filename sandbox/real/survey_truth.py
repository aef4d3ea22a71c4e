"""What a real company's surveys say: every answer judged by itself, by what the account has declared.

In plain Python from the answers that were given, not from what is served. An answer's agent and group are
those who held its ticket when it was submitted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.catalog import BUSINESS_ZONE, GOOD, OFFERED, SEGMENTS
from sandbox.lifecycle import Update
from sandbox.real import forms
from sandbox.real.company import RealCompany
from sandbox.real.forms import BY_ID, Question
from sandbox.rendering import agent_id, group_id
from sandbox.surveys import Answer
from sandbox.truth import TicketTruth

#: The lowest score that satisfies; of faces their place.
SATISFIED = {
    forms.RATING_BEFORE: 4,
    forms.RATING: 4,
    forms.STARS: 4,
    forms.SPEED: 4,
    forms.FACE: forms.FACES.index(forms.HAPPY),
}
HARD_FROM, HARDEST = 4, 7
#: Questions that nobody declared, or whose form is left out, and why they count for nothing.
UNDECLARED = {
    forms.PERMISSION: "not declared",
    forms.EFFORT_BEFORE: "question not in the definition",
    forms.STAFF_MOOD: "form left out",
    forms.STAFF_RECOMMEND: "form left out",
}


class Judged(NamedTuple):
    """An answer to one question: `left_out` says why it does not count, in the words of the mart."""

    answer: Answer
    question: Question
    value: int
    kind: str | None = None
    is_good: bool = False  # satisfied, promoter, easy
    is_bad: bool = False  # not satisfied, detractor, not easy
    left_out: str | None = None


def served(company: RealCompany) -> list[Answer]:
    """The responses that the vendor has now."""
    return [answer for form in forms.FORMS for answer in company.visible_answers(form)]


def mailed(company: RealCompany) -> list[Answer]:
    """The answers to the mailer's survey by now."""
    found = [mailing.answer for mailing in company.mailings]
    return [answer for answer in found if answer and answer.submitted <= company.now_seconds]


def judged(company: RealCompany, answers: Iterable[Answer]) -> list[Judged]:
    """Every answer in these responses; of several about one ticket the latest counts."""
    found = [
        _judge(answer, BY_ID[name], value)
        for answer in answers
        for name, value in ((answer.asked, answer.score), *answer.others)
        if value is not None
    ]
    latest: dict[tuple[str, int], Judged] = {}
    for one in found:
        key = one.question.id, one.answer.ticket
        if one.left_out is None and one.answer.ticket >= 0:
            latest[key] = max(one, latest.get(key, one), key=lambda other: other.answer.submitted)
    return [
        one._replace(left_out="superseded")
        if one.left_out is None and latest.get((one.question.id, one.answer.ticket), one) is not one
        else one
        for one in found
    ]


def _judge(answer: Answer, question: Question, value: int) -> Judged:
    one = Judged(answer, question, value)
    if question in UNDECLARED:
        return one._replace(left_out=UNDECLARED[question])
    if question in forms.RECOMMENDATIONS:
        return one._replace(kind="nps", is_good=value >= 9, is_bad=value <= 6)
    if question is forms.HARDSHIP:
        left_out = None if 1 <= value <= HARDEST else "off scale"
        return one._replace(
            kind="ces", is_good=value < HARD_FROM, is_bad=value >= HARD_FROM, left_out=left_out
        )
    is_good = value >= SATISFIED[question]
    left_out = (
        "label not scored" if question is forms.FACE and question.options[value] is forms.NO_FACE else None
    )
    return one._replace(kind="csat", is_good=is_good, is_bad=not is_good, left_out=left_out)


def left_out(found: Iterable[Judged]) -> Counter[tuple[str, str]]:
    """Answers that do not count, by form and reason."""
    return Counter((one.answer.form, one.left_out) for one in found if one.left_out is not None)


def unknown_tickets(found: Iterable[Judged]) -> Counter[str]:
    """Counted answers that name a ticket which is none, by form."""
    return Counter(one.answer.form for one in found if one.left_out is None and one.answer.names)


def ratings(company: RealCompany, counted: Iterable[TicketTruth]) -> list[tuple[bool, Update]]:
    """The helpdesk's own ratings of these tickets: whether good, and the update that rated."""
    found = []
    for truth in counted:
        if truth.score > OFFERED:
            life = company.life(int(truth.ticket_id) - 1)
            rated = [b for a, b in pairwise(life) if a.score != b.score][-1]
            found.append((truth.score == GOOD, rated))
    return found


def csat(found: Iterable[Judged], helpdesk: Sequence[tuple[bool, Update]]) -> dict[str, tuple[int, int]]:
    """Answers and satisfied ones by survey, and of `all`."""
    counts: dict[str, list[bool]] = {"helpdesk": [is_good for is_good, _ in helpdesk]}
    for one in counting(found, "csat"):
        counts.setdefault(one.answer.form, []).append(one.is_good)
    counts["all"] = [is_good for values in counts.values() for is_good in values]
    return {survey: (len(values), sum(values)) for survey, values in counts.items()}


def counting(found: Iterable[Judged], kind: str) -> list[Judged]:
    """The answers that a KPI counts."""
    return [one for one in found if one.left_out is None and one.kind == kind]


def csat_by_holder(
    company: RealCompany, found: Iterable[Judged], helpdesk: Iterable[tuple[bool, Update]]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Answers and satisfied ones by `agent` and by `group`, (none) where nobody held the ticket."""
    counts: dict[str, dict[str, list[bool]]] = {"agent": defaultdict(list), "group": defaultdict(list)}
    held = [(is_good, agent_id(rated.assignee), group_id(rated.group)) for is_good, rated in helpdesk]
    held += [(one.is_good, *holder(company, one.answer)) for one in counting(found, "csat")]
    for is_good, agent, group in held:
        counts["agent"][str(agent or "(none)")].append(is_good)
        counts["group"][str(group or "(none)")].append(is_good)
    return {
        dimension: {member: (len(values), sum(values)) for member, values in members.items()}
        for dimension, members in counts.items()
    }


def holder(company: RealCompany, answer: Answer) -> tuple[int | None, int | None]:
    """Who held an answer's ticket when it was submitted; of a ticket without any event who holds it now."""
    if answer.ticket < 0:
        return None, None
    life = company.life(answer.ticket)
    known = [update for update in life if update.t <= answer.submitted]
    state = known[-1] if company.facts[answer.ticket].has_events else life[-1]
    return agent_id(state.assignee), group_id(state.group)


def nps(company: RealCompany, found: Iterable[Judged]) -> dict[str, tuple[int, int, int]]:
    """Answers, promoters and detractors by segment, and of `all`."""
    counts: dict[str, list[Judged]] = defaultdict(list)
    for one in counting(found, "nps"):
        segment, answer = one.answer.segment, one.answer
        if segment < 0:
            segment = company.segment_at(int(company.organization_of[answer.customer]), answer.submitted)
        for member in ("all", SEGMENTS[segment] if segment >= 0 else "(none)"):
            counts[member].append(one)
    return {
        member: (len(ones), sum(one.is_good for one in ones), sum(one.is_bad for one in ones))
        for member, ones in counts.items()
    }


def follow_ups(
    found: Iterable[Judged], helpdesk: Iterable[tuple[bool, Update]]
) -> dict[str, tuple[int, int]]:
    """Who should hear from us, by kind: all of them, and those whom nobody knows."""
    result = {}
    for kind in ("csat", "nps", "ces"):
        bad = [one.answer for one in counting(found, kind) if one.is_bad]
        rated = sum(not is_good for is_good, _ in helpdesk) if kind == "csat" else 0
        result[kind] = len(bad) + rated, sum(a.customer < 0 and a.ticket < 0 for a in bad)
    return result


def sends(company: RealCompany, zone: str = BUSINESS_ZONE) -> dict[str, Counter[str]]:
    """The mailer's surveys by month of the first mail and of `all`: sent, bounced, answered, reminders."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mailing in company.mailings:
        mails = [t for t in mailing.mails if t <= company.now_seconds]
        if not mails:
            continue
        answer = mailing.answer
        month = datetime.fromtimestamp(mails[0], ZoneInfo(zone)).strftime("%Y-%m")
        for name in ("all", month):
            counts[name]["sent"] += 1
            counts[name]["bounced"] += mailing.is_bounced
            counts[name]["answered"] += answer is not None and answer.submitted <= company.now_seconds
            counts[name]["reminders"] += len(mails) - 1
    return dict(counts)
