"""Typeform with the forms of a company like real ones: reworded, with questions that come and go."""

from sandbox.catalog import CSAT_FORM, CUSTOMER_ID, NPS_FORM, PRODUCTS, SEGMENTS
from sandbox.http import Json
from sandbox.real import forms
from sandbox.real.company import RealCompany
from sandbox.real.forms import BY_ID, EDITED, FACES_FORM, QUESTIONS, STAFF_FORM, Question
from sandbox.real.surveys import PLACEHOLDERS
from sandbox.rendering import iso, ticket_id
from sandbox.surveys import Answer
from sandbox.vendors.typeform.api import (
    COMMENT_FIELDS,
    HIDDEN,
    TITLES,
    Typeform,
    comment_field,
    comments,
)


class RealTypeform(Typeform):
    """The Typeform account of a `RealCompany`."""

    titles = TITLES | {FACES_FORM: "How did we do?", STAFF_FORM: "Working here"}
    hidden = HIDDEN | {FACES_FORM: HIDDEN[CSAT_FORM], STAFF_FORM: []}

    def __init__(self, company: RealCompany, token: str, requests_per_minute: int | None = None) -> None:
        super().__init__(company, token, requests_per_minute)
        if company.recommended_after_tickets:
            self.hidden = self.hidden | {NPS_FORM: [*HIDDEN[NPS_FORM], "ticket_id"]}

    @property
    def _edition(self) -> int:
        return forms.edition(self.company, self.company.now_seconds)

    def _updated(self, form: str) -> int:
        edited = [edition for edition in EDITED.get(form, ()) if edition <= self._edition]
        return forms.edits(self.company)[edited[-1] - 1] if edited else self.company.start - 30 * 86_400

    def fields(self, form: str) -> list[Json]:
        asked = [
            question for question in QUESTIONS if question.form == form and question.is_asked(self._edition)
        ]
        fields = [self._field(question) for question in asked if question.group is None]
        groups = dict.fromkeys(question.group for question in asked if question.group is not None)
        fields += [_group(title, [self._field(q) for q in asked if q.group == title]) for title in groups]
        return fields + ([comment_field(form)] if form in COMMENT_FIELDS else [])

    def _field(self, question: Question) -> Json:
        properties: Json = {}
        if question.steps is not None:
            properties["steps"] = question.steps
        if question.start_at_one is not None:
            properties["start_at_one"] = question.start_at_one
        if question.options:
            properties["choices"] = [
                {"id": option.id, "ref": option.ref, "label": option.label(0, self._edition)}
                for option in question.options
            ]
        title = question.title
        if question is forms.RATING and self._edition >= forms.REWORDED:
            title = "How satisfied were you with our help?"
        return {
            "id": question.id,
            "ref": question.ref,
            "type": question.type,
            "title": title,
            "properties": properties,
            "validations": {"required": False},
        }

    def hidden_values(self, answer: Answer) -> Json:
        if answer.form == STAFF_FORM:
            return {}
        customer = CUSTOMER_ID + 128 * answer.customer
        hidden = {"customer_id": str(customer), "sent_at": iso(answer.sent)}
        if answer.form == NPS_FORM:
            hidden["segment"] = SEGMENTS[answer.segment] if answer.segment >= 0 else ""
            hidden["product"] = PRODUCTS[answer.product].lower()
            if answer.ticket >= 0:
                hidden["ticket_id"] = str(ticket_id(answer.ticket))
        elif answer.names is None:
            hidden["ticket_id"] = str(ticket_id(answer.ticket))
        else:
            hidden["ticket_id"] = answer.names
        if answer.customer < 0:
            hidden["customer_id"] = PLACEHOLDERS[answer.names or ""]
        return hidden

    def answers(self, answer: Answer) -> list[Json]:
        given = [] if answer.score is None else [(answer.asked, answer.score)]
        return [
            self._answer(answer, BY_ID[name], value) for name, value in (*given, *answer.others)
        ] + comments(answer)

    def _answer(self, answer: Answer, question: Question, value: int) -> Json:
        field = {"id": question.id, "ref": question.ref, "type": question.type}
        if question.type == "yes_no":
            return {"field": field, "type": "boolean", "boolean": bool(value)}
        if question.options:
            option, edition = question.options[value], forms.edition(self.company, answer.submitted)
            choice = {"id": option.id, "ref": option.ref, "label": option.label(answer.language, edition)}
            return {"field": field, "type": "choice", "choice": choice}
        return {"field": field, "type": "number", "number": value}


def _group(title: str, fields: list[Json]) -> Json:
    name = title.lower()
    return {
        "id": f"gr0up{name}",
        "ref": f"{name}-group",
        "type": "group",
        "title": title,
        "properties": {"fields": fields},
    }
