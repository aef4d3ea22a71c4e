"""What the sandbox company has besides customers and tickets: groups, fields, schedules, policies, words."""

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.hours import Schedule

ID_BASE = 28_835_700_000_000  # vendors' ids exceed 32 bits
BUSINESS_ZONE = "America/New_York"

STATUSES = ("new", "open", "pending", "hold", "solved", "closed", "deleted")
NEW, OPEN, PENDING, HOLD, SOLVED, CLOSED, DELETED = range(7)
PRIORITIES = (None, "low", "normal", "high", "urgent")
CHANNELS = ("email", "web", "chat", "voice", "api")
EMAIL, WEB, CHAT, VOICE, API = range(5)
SCORES = ("unoffered", "offered", "good", "bad")
UNOFFERED, OFFERED, GOOD, BAD = range(4)
TAGS = ("enterprise", "closed_by_merge", "spam", "escalated", "csat_pending", "imported", "followed_up")
ENTERPRISE_TAG, MERGED_TAG, SPAM_TAG, ESCALATED_TAG, CSAT_TAG, IMPORTED_TAG, FOLLOWED_UP_TAG = (
    1 << i for i in range(7)
)

SEGMENTS = ("Enterprise", "Mid-market", "SMB")
PRODUCTS = ("Ledger", "Payroll", "Insights")
AREAS = ("Billing", "Technical", "Onboarding", "Account")
COMPLEXITIES = ("simple", "moderate", "complex")

GROUPS = ("Support", "Technical support", "Billing", "Chat", "Enterprise care", "Pilot team")
DELETED_GROUP = 5  # dissolved before the first ticket
NIGHT_GROUP = len(GROUPS)  # in the profile `real` only, dissolved after the first night
GROUP_IDS = tuple(ID_BASE + 40_822_676 + 128 * i for i in range(len(GROUPS) + 1))
BRAND_ID = ID_BASE + 14_705_684
TICKET_FORM_ID = ID_BASE + 40_693_908
ADMIN_ID = ID_BASE + 2_984_212
AGENT_ID = ADMIN_ID + 1_000
PARTNER_ID = AGENT_ID + 128 * 901  # in the profile `real` only: an agent of the account that shares tickets
CUSTOMER_ID = ID_BASE + 50_000_000
ORGANIZATION_ID = ID_BASE + 20_000_000
FIELD_IDS = {
    "product": ID_BASE + 67_646_868,
    "service_area": ID_BASE + 67_646_996,
    "complexity": ID_BASE + 67_647_124,
}

CSAT_FORM, NPS_FORM = "Cs4tF0rm", "Np5F0rmX"


@dataclass(frozen=True)
class Policy:
    """An SLA policy: target minutes by metric and priority index (1 low .. 4 urgent)."""

    id: int
    title: str
    description: str
    position: int
    business_hours: bool
    tag: str | None  # the ticket's tag that the policy asks for, None for every ticket
    targets: dict[str, tuple[int, int, int, int]]


POLICIES = (
    Policy(
        ID_BASE + 71_006_807,
        "Premium",
        "Enterprise customers, around the clock",
        1,
        False,
        "enterprise",
        {
            "first_reply_time": (960, 480, 240, 60),
            "next_reply_time": (1440, 720, 360, 120),
            "requester_wait_time": (7200, 4320, 2880, 1440),
            "agent_work_time": (5760, 2880, 1440, 720),
            "periodic_update_time": (2880, 1440, 720, 240),
            "total_resolution_time": (14400, 10080, 5760, 2880),
        },
    ),
    Policy(
        ID_BASE + 71_006_935,
        "Standard",
        "Everybody else, in business hours",
        2,
        True,
        None,
        {
            "first_reply_time": (960, 480, 240, 60),
            "next_reply_time": (960, 480, 240, 120),
            "requester_wait_time": (2880, 1920, 960, 480),
            "agent_work_time": (1920, 960, 600, 300),
            "pausable_update_time": (1920, 960, 480, 240),
            "total_resolution_time": (4800, 2880, 1920, 960),
        },
    ),
)


#: In the profile `real` only, deleted after the first night; before Standard.
ESCALATIONS = Policy(
    ID_BASE + 71_007_063,
    "Escalations",
    "What went to the second line, around the clock",
    2,
    False,
    "escalated",
    {
        "first_reply_time": (720, 360, 180, 60),
        "next_reply_time": (960, 480, 240, 60),
        "requester_wait_time": (5760, 2880, 1440, 720),
        "total_resolution_time": (10080, 7200, 4320, 1440),
    },
)
ALL_POLICIES = (*POLICIES, ESCALATIONS)


@dataclass(frozen=True)
class GroupPolicy:
    """A group SLA policy: ownership target in minutes by priority index (1 low .. 4 urgent)."""

    id: int
    title: str
    description: str
    business_hours: bool
    groups: tuple[int, ...]  # whose stays it limits
    minutes: tuple[int, int, int, int]


GROUP_POLICIES = (
    GroupPolicy(
        ID_BASE + 71_007_319,
        "Second line",
        "Technical support and billing, in business hours",
        True,
        (1, 2),
        (1920, 960, 480, 240),
    ),
    GroupPolicy(
        ID_BASE + 71_007_447,
        "Enterprise desk",
        "Enterprise care, around the clock",
        False,
        (4,),
        (5760, 2880, 1440, 480),
    ),
)


def _holidays(first_year: int, last_year: int, european: bool) -> tuple[tuple[date, date, str], ...]:
    days = []
    for year in range(first_year, last_year + 1):
        days.append((date(year, 1, 1), date(year, 1, 1), "New Year"))
        if european:
            days.append((date(year, 5, 1), date(year, 5, 1), "Labour Day"))
            days.append((date(year, 12, 24), date(year, 12, 26), "Christmas"))
        else:
            november = date(year, 11, 1)
            thanksgiving = november + timedelta(days=(3 - november.weekday()) % 7 + 21)
            days.append((date(year, 7, 4), date(year, 7, 4), "Independence Day"))
            days.append((thanksgiving, thanksgiving, "Thanksgiving"))
            days.append((date(year, 12, 25), date(year, 12, 25), "Christmas Day"))
    return tuple(days)


def schedules(first_year: int, last_year: int) -> tuple[Schedule, Schedule]:
    """The two schedules, the account's oldest (its default) first, with holidays of the years given."""
    office = tuple((day * 1440 + 540, day * 1440 + 1020) for day in range(1, 6))
    europe = (
        *((day * 1440 + 480, day * 1440 + 1080) for day in range(1, 6)),
        (6 * 1440 + 600, 6 * 1440 + 840),
    )
    return (
        Schedule(
            ID_BASE + 90_094_707,
            "Head office",
            "Eastern Time (US & Canada)",
            BUSINESS_ZONE,
            office,
            _holidays(first_year, last_year, european=False),
        ),
        Schedule(
            ID_BASE + 90_094_835,
            "Europe desk",
            "Copenhagen",
            "Europe/Copenhagen",
            europe,
            _holidays(first_year, last_year, european=True),
        ),
    )


# fmt: off
FIRST_NAMES = (
    "Ada", "Ben", "Chen", "Dora", "Emil", "Fatima", "Goran", "Hana", "Ivo", "Jana", "Karim", "Lea",
    "Milan", "Nora", "Omar", "Petra", "Quentin", "Rosa", "Sven", "Tara", "Uma", "Vera", "Wim", "Yara",
    "Zoran",
)
LAST_NAMES = (
    "Adler", "Brandt", "Costa", "Dumont", "Eriksen", "Fischer", "Garcia", "Horvat", "Ito", "Jansen",
    "Kovac", "Larsen", "Moreau", "Novak", "Okafor", "Perez", "Quist", "Rossi", "Silva", "Tanaka",
    "Ulrich", "Vidal", "Weber", "Young", "Zhang",
)
COMPANY_WORDS = (
    "Alder", "Birch", "Cobalt", "Delta", "Ember", "Falcon", "Granite", "Harbor", "Iris", "Juniper",
    "Keystone", "Lumen", "Meridian", "Nimbus", "Orchid", "Pioneer", "Quartz", "Ridge", "Summit",
    "Tidal",
)
# fmt: on
COMPANY_KINDS = (
    "Foods",
    "Logistics",
    "Clinics",
    "Energy",
    "Studios",
    "Bank",
    "Motors",
    "Schools",
    "Retail",
    "Labs",
)
SUBJECTS = (
    "Invoice does not match",
    "Cannot sign in",
    "Export fails",
    "How do I add a user?",
    "Report is empty",
    "Payment was declined",
    "App is slow since this morning",
    "Change of address",
    "Import stops halfway",
    "Question about our plan",
    "Error 504 on save",
    "Two-factor code never arrives",
)
QUESTIONS = (
    "Could you please look into this?",
    "It worked last week.",
    "We have tried it twice.",
    "A screenshot is attached.",
    "This blocks our month-end closing.",
    "Thanks in advance!",
    "Is there any news?",
    "That did not help, sorry.",
)
REPLIES = (
    "Thank you for writing, we are looking into it.",
    "Could you send us the file in question?",
    "This is fixed now, please try again.",
    "We have corrected the invoice.",
    "Please follow the steps in the article below.",
    "Our engineers found the cause.",
    "I have added the user for you.",
    "Is there anything else we can do?",
)
NOTES = (
    "Called the customer, no answer.",
    "Looks like the known import bug.",
    "Asked billing for a credit note.",
    "Customer is on the old plan.",
    "Reproduced on staging.",
)
SURVEY_ID = "01JZ8QMXHBW5WHJ6D7BEMA0RZC"
RATING_QUESTION_ID = "01JZ8QMXA2ZKKW0SW4G3MA6FBV"
REASON_QUESTION_ID = "01JZ8QMXA2ZBXBT4CSMM2QAAEV"
COMMENT_QUESTION_ID = "01JZ8QMXA30EKPSYPJRYHK3NJP"
REASONS = {
    "01JZ8QMXA2ZAEY15QFCNHV717E": "The issue took too long to resolve",
    "01JZ8QMXA30Z079V8E8P0BM67D": "The issue was not resolved",
}
RATING_COMMENTS = (
    "Quick and friendly.",
    "Took too long.",
    "Solved on the first try.",
    "Had to explain it three times.",
    "Great help, thank you!",
    "The answer missed the point.",
)
