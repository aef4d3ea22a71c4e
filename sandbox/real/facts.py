"""What a ticket of a real company is besides its updates."""

from dataclasses import dataclass, field

from sandbox.catalog import ID_BASE
from sandbox.lifecycle import Update

#: How a ticket can begin.
BEGINNINGS = (
    "customer",
    "agent_public",  # an agent writes to the customer
    "agent_private",  # an agent opens it with an internal note
    "on_behalf",  # an agent writes down what the customer says, as the customer's comment
    "private_share",  # another account shares it with a note
    "call",  # an agent takes or makes a call
    "voicemail",
    "chat",
    "import",
    "follow_up",  # the customer answers a closed ticket
    "side_conversation",
)

#: Reasons of bad ratings: id, code and label; the first is that of who gave none.
NO_REASON = (ID_BASE + 171_737_604, 0, "No reason provided")
RATING_REASONS = (
    (ID_BASE + 171_737_732, 1000, "The issue took too long to resolve"),
    (ID_BASE + 171_737_860, 1001, "The issue was not resolved"),
    (ID_BASE + 171_737_988, 1002, "The agent's knowledge is unsatisfactory"),
)


def rating_reason(update: Update) -> tuple[int, int, str]:
    """Why a rating was bad: id, code and label."""
    place = update.text % (len(RATING_REASONS) + 1)
    return RATING_REASONS[place - 1] if place else NO_REASON


@dataclass
class Session:
    """A conversation in messages: from its first to the solving, which ends it."""

    start: int
    end: int | None = None
    messages: list[tuple[int, int]] = field(default_factory=list)  # when, by which user id


@dataclass
class Facts:
    """Where a ticket came from, and what the vendor tells of it; indexes of tickets, unix seconds."""

    channel: str  # via.channel
    begins: str = "customer"
    rel: str | None = None  # via.source.rel
    comment_type: str = "Comment"
    sessions: list[Session] | None = None  # its messages are no comments
    has_events: bool = True  # whether the event export has rows of it
    is_imported: bool = False
    is_by_ai: bool = False  # an AI agent took it first
    handed_over: int | None = None  # when a human took over
    is_silent: bool = False  # its last changes came without an event
    tells_times: bool = True  # whether the metric set dates them
    tells_clocks: bool = True  # whether metric events go on after them
    is_retargeted: bool = False  # a breached clock got another target
    is_labs: bool = False  # of the second brand
    follows: int | None = None
    problem: int | None = None
    merged_into: int | None = None
    merged_from: list[int] = field(default_factory=list)
    parent: int | None = None  # whose side conversation made it
    side_conversation: int | None = None  # when its own began
    first_requester: int | None = None  # user id of an account that was merged away since

    def support_type(self, t: int) -> str:
        """Who handles it at an instant, as the vendor says."""
        is_ai = self.is_by_ai and (self.handed_over is None or t < self.handed_over)
        return "ai_agent" if is_ai else "agent"
