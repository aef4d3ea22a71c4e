"""Choosing the columns of survey answers and of invitations."""

from ingestion.sources.files.draft import words
from ingestion.sources.files.draft.chooser import Chooser, Meaning
from ingestion.sources.files.draft.clues import NEARLY, Clues
from ingestion.sources.files.draft.profile import Column
from ingestion.sources.files.draft.scales import scale
from ingestion.sources.files.mapping import SURVEY_ANSWERS, SURVEY_INVITATIONS


class AnswerChooser(Chooser):
    """A row is an answer; one column of scores a mapping."""

    entity = SURVEY_ANSWERS
    row_ids = ("response_id", "ticket_id", "row_id")
    by_value = ("score",)

    def __init__(
        self, clues: Clues, why: str, score: str | None = None, ticket: Meaning | None = None
    ) -> None:
        super().__init__(clues, why)
        self.score = score
        self.ticket = ticket

    def choose(self) -> Meaning:
        """Choose the score, then id, names and the time of the answer."""
        self.choose_score()
        self.choose_id()
        self.choose_ticket()
        self.choose_words()
        self.choose_by_name()
        self.choose_answer_time()
        self.choose_keys()
        return self.meaning

    def allows(self, ours: str, column: Column) -> bool:
        """In a file of tickets the times are the tickets', but one that comes and goes with the answers."""
        if not self.ticket or not column.is_time:
            return True
        return column.name not in self.ticket.sure.values() and self.is_with_answers(column)

    def is_with_answers(self, time: Column) -> bool:
        """Whether a time is there where there is an answer, and nowhere else, as far as there are both."""
        score = self.meaning.column("score")
        values = self.clues.table.values(score.name) if score else []
        same: dict[bool, list[bool]] = {True: [], False: []}
        for answer, instant in zip(values, self.clues.instants(time), strict=False):
            same[answer is None].append((answer is None) == (instant is None))
        return all(sum(each) >= NEARLY * len(each) for each in same.values())

    def choose_score(self) -> None:
        """The column asked for, else the likeliest."""
        asked = [each for each in self.clues.scales if each.column.name == self.score]
        if self.score and not asked:
            asked = [each] if (each := scale(self.clues.table.columns[self.score])) else []
        found = asked or ([] if self.score else self.clues.scales)
        if found:
            chosen = self.meaning.scale = found[0]
            self.meaning.others = [each for each in self.clues.scales if each is not chosen]
            why = "as asked for" if self.score else "by its name" if chosen.is_named else "by its values"
            self.pick("score", chosen.column, why)
        elif self.score:
            self.pick(
                "score",
                self.clues.table.columns[self.score],
                "as asked for; its values are on no scale known",
            )

    def choose_ticket(self) -> None:
        """The id of the rows, where it is that of the ticket."""
        for name in (name for key in self.meaning.keys[:1] for name in key):
            if words.fit(name, "ticket_id") == 1 or self.ticket:
                self.pick("ticket_id", self.clues.table.columns[name], "the id is the ticket's")

    def choose_answer_time(self) -> None:
        """Without a name that tells: the time that is there where the answers are."""
        score = self.meaning.column("score")
        if not score or not self.is_open("answered_at"):
            return
        for column in [column for column in self.free() if column.is_time]:
            if score.filled < self.clues.table.rows and self.is_with_answers(column):
                self.pick("answered_at", column, "there where there is an answer, and nowhere else")
            elif self.clues.times == [column] and words.fit(column.name, "answered_at") >= words.BY_PART:
                self.pick("answered_at", column, f"the only time, by a part of its name; {column.about()}")


class InvitationChooser(Chooser):
    """A row is an invitation to a survey."""

    entity = SURVEY_INVITATIONS
    row_ids = ("invitation_id", "row_id")

    def choose(self) -> Meaning:
        """Choose by id, words and names."""
        self.choose_id()
        self.choose_words()
        self.choose_by_name()
        self.choose_keys()
        return self.meaning
