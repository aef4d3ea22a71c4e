"""The forms of a company like real ones: every question they ever asked, and in which editions.

What a form does not ask any more is in no definition of it either.
"""

from bisect import bisect_right
from dataclasses import dataclass

from sandbox.catalog import CSAT_FORM, NPS_FORM
from sandbox.company import Company
from sandbox.lifecycle import HOUR

FACES_FORM, STAFF_FORM = "F4cesF0rm", "St4ffF0rm"
MAILED = "mailed"  # no form: what the mailer asks
FORMS = (CSAT_FORM, NPS_FORM, FACES_FORM, STAFF_FORM)

#: Editions of the forms: questions replaced before anybody fetched them, then reworded, then replaced again.
FORMER, FETCHED, REWORDED, REPLACED = range(4)
#: In which editions a form became another.
EDITED = {CSAT_FORM: (FETCHED, REWORDED), NPS_FORM: (FETCHED, REPLACED), FACES_FORM: (REWORDED,)}


@dataclass(frozen=True)
class Option:
    """A choice of a question: its labels in English, German and French, and a later one in English."""

    id: str
    ref: str
    labels: tuple[str, str, str]
    reworded: str | None = None

    def label(self, language: int, edition: int) -> str:
        """What is shown."""
        if language == 0 and self.reworded and edition >= REWORDED:
            return self.reworded
        return self.labels[language]


@dataclass(frozen=True)
class Question:
    """A question of a form, asked from one edition on until before another."""

    form: str
    id: str
    ref: str
    type: str
    title: str
    steps: int | None = None
    start_at_one: bool | None = None
    options: tuple[Option, ...] = ()
    since: int = FORMER
    until: int = REPLACED + 1
    group: str | None = None  # the title of the group in which it stands

    def is_asked(self, edition: int) -> bool:
        """Whether the form asks it in an edition."""
        return self.since <= edition < self.until


UNHAPPY = Option("f4ceUnh4ppy0", "face-down", ("Unhappy", "Unzufrieden", "Mécontent"))
SO_SO = Option("f4ceS0s00000", "face-straight", ("So-so", "Geht so", "Bof"))
HAPPY = Option("f4ceH4ppy000", "face-up", ("Happy", "Zufrieden", "Content"), "Very happy")
NO_FACE = Option("f4ceN0n30000", "face-none", ("No opinion", "Keine Meinung", "Sans avis"))
FACES = (UNHAPPY, SO_SO, HAPPY, NO_FACE)

RATING_BEFORE = Question(
    CSAT_FORM, "cSatRat1ng00", "csat_stars", "opinion_scale", "Are you satisfied?", 5, True, until=FETCHED
)
EFFORT_BEFORE = Question(
    CSAT_FORM, "cSatEff0rt00", "csat_effort", "opinion_scale", "Was it easy?", 5, True, until=FETCHED
)
RATING = Question(
    CSAT_FORM,
    "cSatRat1ng01",
    "csat_score",
    "rating",
    "How satisfied are you with our help?",
    5,
    since=FETCHED,
)
PERMISSION = Question(CSAT_FORM, "cSatCa11M3up", "csat_call", "yes_no", "May we call you back?")
RECOMMEND_BEFORE = Question(
    NPS_FORM, "nPsSca1e0000", "nps_first", "nps", "Would you recommend us?", until=FETCHED
)
RECOMMEND = Question(
    NPS_FORM, "nPsSca1e0001", "nps_score", "nps", "How likely are you to recommend us?",
    since=FETCHED, until=REPLACED,
)  # fmt: skip
RECOMMEND_AFTER = Question(
    NPS_FORM,
    "nPsSca1e0002",
    "nps_again",
    "nps",
    "How likely would you recommend us to a friend?",
    since=REPLACED,
)
RATINGS = (RATING_BEFORE, RATING)
RECOMMENDATIONS = (RECOMMEND_BEFORE, RECOMMEND, RECOMMEND_AFTER)
FACE = Question(FACES_FORM, "f4cesCh01ce1", "face", "multiple_choice", "How was our help?", options=FACES)
HARDSHIP = Question(
    FACES_FORM, "f4cesH4rd001", "hardship", "number", "From 1 (easy) to 7 (hard), how was it?", group="Effort"
)
SPEED = Question(
    FACES_FORM, "f4cesSp33d01", "speed", "opinion_scale", "Were we quick?", 5, True, group="Effort"
)
STAFF_MOOD = Question(STAFF_FORM, "st4ffM00d001", "mood", "rating", "How satisfied are you at work?", 5)
STAFF_RECOMMEND = Question(
    STAFF_FORM, "st4ffNps0001", "workplace", "nps", "How likely are you to recommend us as a place to work?"
)
STARS = Question(MAILED, "stars", "stars", "rating", "How many stars?", 5)
QUESTIONS = (
    RATING_BEFORE, EFFORT_BEFORE, RATING, PERMISSION, RECOMMEND_BEFORE, RECOMMEND, RECOMMEND_AFTER,
    FACE, HARDSHIP, SPEED, STAFF_MOOD, STAFF_RECOMMEND, STARS,
)  # fmt: skip
BY_ID = {question.id: question for question in QUESTIONS}


def edits(company: Company) -> tuple[int, int, int]:
    """When each edition but the first came out, in unix seconds."""
    now, hour = company.first_now, HOUR
    return now - (now - company.start) * 2 // 5, now + 40 * hour, now + 44 * hour


def edition(company: Company, t: int) -> int:
    """Which edition was out at a unix second."""
    return bisect_right(edits(company), t)


def asked(questions: tuple[Question, ...], edition: int) -> Question:
    """Which of the questions that replaced each other an edition asks."""
    return next(question for question in questions if question.is_asked(edition))
