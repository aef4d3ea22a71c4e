"""Fewer tickets than the vendor counts are named; more are none too many, as it may leave out archived ones."""

from __future__ import annotations

import pytest

from .warehouse import Warehouse
from .zendesk_records import Account, comment, status

TICKETS = 20


def account(source: str, counted: int | str) -> Account:
    """Twenty tickets, one of them deleted and one created after the count."""
    account = Account(source)
    for ticket in range(1, TICKETS + 1):
        created = "2024-06-05T10:00" if ticket == TICKETS else "2024-06-03T10:00"
        account.ticket(ticket, created, comment("2024-06-05T11:00"), status("2024-06-05T12:00", "solved"))
    account.streams["tickets"][0] |= {"status": "deleted", "_deleted": True}
    account.add("ticket_counts", {"id": "tickets", "value": counted, "updated_at": "2024-06-04T00:00:00Z"})
    return account


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = Warehouse(tmp_path_factory.mktemp("counts"))
    for source, counted in (("whole", 18), ("archived", 5), ("short", 40), ("unread", "many")):
        account(source, counted).land(warehouse)
    recounted = account("recounted", 40)
    recounted.streams["ticket_counts"][0] |= {"_deleted": True}
    recounted.land(warehouse)
    warehouse.build("2024-06-30T00:00:00Z", select=["+stream_agreement"])
    return warehouse


def test_tickets_that_the_vendor_counts_and_we_lack_are_named(warehouse: Warehouse) -> None:
    """A count that is being taken anew, or cannot be read, says nothing."""
    assert warehouse.query(
        "select source, expected, found, is_agreed from marts.stream_agreement "
        "where rule = 'tickets_are_counted' order by source"
    ) == [("archived", 5, 5, True), ("short", 40, 18, False), ("whole", 18, 18, True)]
    [(kpis,)] = warehouse.query(
        "select kpis from marts.stream_agreement where source = 'short' and rule = 'tickets_are_counted'"
    )
    assert "tickets_created" in kpis
