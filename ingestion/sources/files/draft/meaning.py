"""What a file holds."""

from ingestion.sources.files.draft.chooser import Chooser, Meaning
from ingestion.sources.files.draft.clues import Clues
from ingestion.sources.files.draft.profile import Table
from ingestion.sources.files.draft.surveys import AnswerChooser, InvitationChooser
from ingestion.sources.files.draft.tickets import EventChooser, TicketChooser
from ingestion.sources.files.mapping import SURVEY_ANSWERS, TICKETS, MappingError

_CHOOSERS: dict[str, type[Chooser]] = {
    each.entity: each for each in (TicketChooser, EventChooser, AnswerChooser, InvitationChooser)
}


def meanings(table: Table, entity: str | None = None, score: str | None = None) -> list[Meaning]:
    """What a file may be read as: the likeliest, then the answers in a file of tickets.

    Args:
        table: The file's columns.
        entity: What it holds, where that is known.
        score: The column with the answers, where that is known.

    Raises:
        MappingError: nothing in it looks like tickets, events of tickets, answers or invitations.
    """
    clues = Clues(table)
    if score and score not in table.columns:
        raise MappingError(
            f"has no column `{score}`; it has {', '.join(f'`{name}`' for name in table.columns)}"
        )
    asked = SURVEY_ANSWERS if score else entity
    kind, why = (asked, "as asked for") if asked else clues.entity()
    if kind == SURVEY_ANSWERS:
        ticket = TicketChooser(clues, "").choose() if clues.are_tickets else None
        return [AnswerChooser(clues, why, score, ticket).choose()]
    found = [_CHOOSERS[kind](clues, why).choose()]
    if kind == TICKETS:
        found[0].others = clues.scales
        if not asked and any(each.is_named for each in clues.scales):
            found.append(AnswerChooser(clues, "a score in a file of tickets", ticket=found[0]).choose())
    return found
