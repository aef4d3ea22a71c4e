"""The Typeform API of the sandbox company: two forms, their definitions and responses."""

import hashlib
import re
from datetime import UTC, datetime

from sandbox.catalog import CSAT_FORM, CUSTOMER_ID, NPS_FORM, PRODUCTS, RATING_COMMENTS, SEGMENTS
from sandbox.company import Company
from sandbox.http import ApiError, Json, RateLimit, Request, Response, encode, integer
from sandbox.rendering import iso, ticket_id
from sandbox.surveys import Answer

FIELDS = {CSAT_FORM: ("cSatRat1ng01", "csat_score"), NPS_FORM: ("nPsSca1e0001", "nps_score")}
COMMENT_FIELDS = {CSAT_FORM: ("cSatC0mm3nt1", "csat_comment"), NPS_FORM: ("nPsC0mm3nt01", "nps_comment")}
TITLES = {CSAT_FORM: "After your request", NPS_FORM: "Twice a year"}
HIDDEN = {
    CSAT_FORM: ["ticket_id", "customer_id", "sent_at"],
    NPS_FORM: ["customer_id", "segment", "product", "sent_at"],
}
REVISED_HOURS = 40  # the CSAT form is reworded this long after the company's first now


class Typeform:
    """Answers requests below the prefix of TYPEFORM_URL; `requests_per_second` None is without limit."""

    titles, hidden = TITLES, HIDDEN  # by form

    def __init__(self, company: Company, token: str, requests_per_minute: int | None = None) -> None:
        self.company = company
        self.token = token
        self.limit = RateLimit(requests_per_minute)

    def handle(self, request: Request) -> Response:
        """Answer a GET request; errors come as the vendor's JSON."""
        try:
            if request.headers.get("authorization", "") not in (
                f"Bearer {self.token}",
                f"bearer {self.token}",
            ):
                raise ApiError(
                    401,
                    {
                        "code": "AUTHENTICATION_FAILED",
                        "description": "Authentication credentials not found on the Request Headers",
                    },
                )
            _, wait = self.limit.take()
            if wait > 0:
                raise ApiError(
                    429,
                    {"code": "TOO_MANY_REQUESTS", "description": "Too many requests"},
                    {"Retry-After": str(int(wait) + 1)},
                )
            return Response(200, encode(self._route(request)))
        except ApiError as error:
            return error.response

    def _route(self, request: Request) -> Json:
        if request.path == "/forms":
            return self.forms(request)
        if request.path == "/me":
            return {"alias": "sandbox", "email": "admin@sandbox.example", "language": "en"}
        match = re.fullmatch(r"/forms/(\w+)(/responses)?", request.path)
        if match and match[1] in self.titles:
            return self.responses(request, match[1]) if match[2] else self.definition(match[1])
        raise ApiError(404, {"code": "FORM_NOT_FOUND", "description": "Non existing form"})

    # ---- forms ----

    def _updated(self, form: str) -> int:
        revised = self.company.first_now + REVISED_HOURS * 3600
        if form == CSAT_FORM and revised <= self.company.now_seconds:
            return revised
        return self.company.start - 30 * 86_400

    def forms(self, request: Request) -> Json:
        size = integer(request.query, "page_size", 10, 200)
        page = integer(request.query, "page", 1, 1_000_000)
        items = [
            {
                "id": form,
                "type": "quiz",
                "title": self.titles[form],
                "last_updated_at": iso(self._updated(form)),
                "created_at": iso(self.company.start - 40 * 86_400),
                "settings": {"is_public": True, "is_trial": False},
                "self": {"href": f"https://api.typeform.example/forms/{form}"},
                "theme": {"href": "https://api.typeform.example/themes/qHWOQ7"},
                "_links": {"display": f"https://sandbox.typeform.example/to/{form}"},
            }
            for form in self.titles
        ]
        shown = items[(page - 1) * size : page * size]
        return {"total_items": len(items), "page_count": -(-len(items) // size), "items": shown}

    def fields(self, form: str) -> list[Json]:
        """The questions of a form as they are now."""
        identifier, ref = FIELDS[form]
        if form == CSAT_FORM:
            polite = self._updated(form) > self.company.first_now
            question: Json = {
                "id": identifier,
                "ref": ref,
                "type": "rating",
                "title": "How satisfied were you with our help?"
                if polite
                else "How satisfied are you with our help?",
                "properties": {"shape": "star", "steps": 5},
                "validations": {"required": False},
            }
        else:
            question = {
                "id": identifier,
                "ref": ref,
                "type": "opinion_scale",
                "title": "How likely are you to recommend us?",
                "properties": {
                    "start_at_one": False,
                    "steps": 11,
                    "labels": {"left": "Not at all", "right": "Surely"},
                },
                "validations": {"required": False},
            }
        return [question, comment_field(form)]

    def definition(self, form: str) -> Json:
        return {
            "id": form,
            "type": "quiz",
            "title": self.titles[form],
            "workspace": {"href": "https://api.typeform.example/workspaces/sbxWs1"},
            "theme": {"href": "https://api.typeform.example/themes/qHWOQ7"},
            "settings": {"language": "en", "is_public": True, "is_trial": False},
            "hidden": self.hidden[form],
            "fields": self.fields(form),
            "thankyou_screens": [],
            "created_at": iso(self.company.start - 40 * 86_400),
            "last_updated_at": iso(self._updated(form)),
            "published_at": iso(self._updated(form)),
            "_links": {"display": f"https://sandbox.typeform.example/to/{form}"},
        }

    # ---- responses ----

    def responses(self, request: Request, form: str) -> Json:
        """Responses, newest first; `since` and `until` are inclusive, the tokens exclusive."""
        query = request.query
        answers = self.company.visible_answers(form)
        if "since" in query or "until" in query:
            since = _instant(query.get("since"), 0.0)
            until = _instant(query.get("until"), float("inf"))
            answers = [answer for answer in answers if since <= answer.submitted <= until]
        if "included_response_ids" in query:
            named = set(query["included_response_ids"].split(","))
            answers = [answer for answer in answers if token(answer) in named]
        total = len(answers)
        size = integer(query, "page_size", 25, 1000)
        tokens = [token(answer) for answer in answers] if "before" in query or "after" in query else []
        try:
            if "before" in query:
                answers = answers[tokens.index(query["before"]) + 1 :]
            elif "after" in query:
                end = tokens.index(query["after"])
                answers = answers[max(0, end - size) : end]
        except ValueError as error:
            raise ApiError(
                400, {"code": "VALIDATION_ERROR", "description": "invalid response token"}
            ) from error
        items = [self.response(answer) for answer in answers[:size]]
        return {"total_items": total, "page_count": -(-total // size), "items": items}

    def response(self, answer: Answer) -> Json:
        """One completed response; questions left empty are absent."""
        name = token(answer)
        return {
            "landing_id": name,
            "token": name,
            "response_id": name,
            "response_type": "completed",
            "landed_at": iso(answer.submitted - 45),
            "submitted_at": iso(answer.submitted),
            "metadata": {
                "user_agent": "Mozilla/5.0",
                "platform": "other",
                "network_id": name[:10],
                "browser": "default",
                "referer": f"https://sandbox.typeform.example/to/{answer.form}",
            },
            "hidden": self.hidden_values(answer),
            "calculated": {"score": 0},
            "answers": self.answers(answer),
        }

    def hidden_values(self, answer: Answer) -> Json:
        """What the survey's link carried."""
        hidden = {"customer_id": str(CUSTOMER_ID + 128 * answer.customer), "sent_at": iso(answer.sent)}
        if answer.form == CSAT_FORM:
            hidden["ticket_id"] = str(ticket_id(answer.ticket))
        else:
            hidden["segment"] = SEGMENTS[answer.segment] if answer.segment >= 0 else ""
            hidden["product"] = PRODUCTS[answer.product].lower()
        return hidden

    def answers(self, answer: Answer) -> list[Json]:
        """What was answered, question by question."""
        given: list[Json] = []
        if answer.score is not None:
            identifier, ref = FIELDS[answer.form]
            kind = "rating" if answer.form == CSAT_FORM else "opinion_scale"
            field = {"id": identifier, "ref": ref, "type": kind}
            given.append({"field": field, "type": "number", "number": answer.score})
        return given + comments(answer)


def _instant(text: str | None, default: float) -> float:
    if not text:
        return default
    try:
        if text.isdigit():
            return float(text)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except ValueError as error:
        raise ApiError(
            400, {"code": "VALIDATION_ERROR", "description": f"not a date: {text[:40]}"}
        ) from error


def token(answer: Answer) -> str:
    """A response's token: 32 characters, the same for ever."""
    return hashlib.blake2b(f"{answer.form}/{answer.number}".encode(), digest_size=16).hexdigest()


def comments(answer: Answer) -> list[Json]:
    """The answer in words, if there is one."""
    if answer.text < 0:
        return []
    identifier, ref = COMMENT_FIELDS[answer.form]
    text = RATING_COMMENTS[answer.text % len(RATING_COMMENTS)]
    return [{"field": {"id": identifier, "ref": ref, "type": "long_text"}, "type": "text", "text": text}]


def comment_field(form: str) -> Json:
    """The question for a reason in words."""
    identifier, ref = COMMENT_FIELDS[form]
    return {
        "id": identifier,
        "ref": ref,
        "type": "long_text",
        "title": "What is the main reason?",
        "properties": {},
        "validations": {"required": False},
    }
