"""A Freshdesk whose tickets a test writes, for what the sandbox's company never does."""

from datetime import UTC, datetime
from typing import Any

START = 1_770_000_000
PAGES = 300


def iso(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Desk:
    """Tickets by id, with their conversations, deleted and spam ones apart; every other list is empty.

    Attributes:
        tickets: Unix second of the last change, by id.
        created: Unix second of the creation, by id; the id's place by default.
        trash: Ids that `filter=deleted` gives.
        conversations: By ticket.
        gone: Tickets whose conversations answer 404 though they are listed.
        size: Records of the largest page.
        is_still: Nothing changes any more, so that lists are sorted once.
    """

    def __init__(self, vendor: Any, reply: Any, size: int = 100) -> None:
        self.vendor, self.reply, self.size = vendor, reply, size
        self.tickets: dict[int, int] = {}
        self.trash: dict[int, int] = {}
        self.conversations: dict[int, list[dict[str, Any]]] = {}
        self.gone: set[int] = set()
        self.highest = 0
        self.is_still = False
        self._sorted: dict[tuple[str, ...], list[int]] = {}
        vendor.answer = self.answer

    @property
    def now(self) -> int:
        return int(self.vendor.now.timestamp())

    def say(self, ticket: int, number: int, second: int, **more: Any) -> None:
        """Write on a ticket, which changes it."""
        said = {"id": number, "ticket_id": ticket, "created_at": iso(second), "updated_at": iso(second)}
        self.conversations.setdefault(ticket, []).append({**said, **more})
        self.tickets[ticket] = second

    def ticket(self, number: int) -> dict[str, Any]:
        second = self.tickets.get(number, self.trash.get(number, 0))
        return {"id": number, "updated_at": iso(second), "created_at": iso(START + number), "spam": False}

    def answer(self, path: str, params: dict[str, str]) -> Any:
        parts = path.removeprefix("/api/v2/").split("/")
        if parts[0] != "tickets":
            return []
        if len(parts) == 1:
            return self.listed(params)
        number = int(parts[1])
        if number not in self.tickets or (len(parts) == 3 and number in self.gone):
            return self.reply({}, 404)
        if len(parts) == 2:
            return self.ticket(number)
        return self.paged(self.conversations.get(number, []), params)

    def listed(self, params: dict[str, str]) -> Any:
        page = int(params["page"])
        self.highest = max(self.highest, page)
        if page > PAGES:
            return self.reply({"description": "You cannot access tickets beyond the 300th page"}, 400)
        asked = (params.get("filter", ""), params["updated_since"], params["order_by"], params["order_type"])
        if not self.is_still or asked not in self._sorted:
            self._sorted[asked] = self.sorted(*asked)
        return self.paged(self._sorted[asked], params, self.ticket)

    def sorted(self, name: str, since: str, order: str, kind: str) -> list[int]:
        """Ids of the tickets that a list gives."""
        shown = {"": self.tickets, "deleted": self.trash, "spam": {}}[name]
        found = [number for number, second in shown.items() if second >= seconds(since)]
        found.sort(key=lambda number: number if order == "created_at" else (shown[number], number))
        return found[::-1] if kind == "desc" else found

    def paged(self, found: list[Any], params: dict[str, str], render: Any = lambda record: record) -> Any:
        page, size = int(params["page"]), min(int(params["per_page"]), self.size)
        more = page * size < len(found)
        headers = {"Link": f'<{self.vendor.url}/again>; rel="next"'} if more else {}
        return self.reply([render(each) for each in found[(page - 1) * size : page * size]], headers=headers)
