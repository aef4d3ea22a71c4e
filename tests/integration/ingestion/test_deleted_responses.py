"""A response that was deleted at the survey tool leaves, and no other does."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ingestion.extract import refetch
from tests.integration.dbt.test_restatements import publish_marts
from tests.integration.dbt.warehouse import Warehouse
from tests.integration.ingestion.test_typeform import START, Forms

NIGHT = timedelta(days=1)


@pytest.fixture
def forms(vendor, reply):
    forms = Forms(vendor)
    forms.missing = reply({"code": "FORM_NOT_FOUND"}, 404)
    return forms


@pytest.fixture
def deleted(lander):
    """Ids whose newest version is a tombstone, as staging ranks versions."""

    def read():
        newest = {}
        for row in lander.rows("typeform", "responses"):
            before = newest.get(row["record_id"])
            if before is None or (row["changed_at"], row["batch_id"]) >= (
                before["changed_at"],
                before["batch_id"],
            ):
                newest[row["record_id"]] = row
        return {name for name, row in newest.items() if row["deleted"]}

    return read


@pytest.fixture
def again(lander, typeform_source):
    """`cxmarts refetch typeform/responses` and the next night."""

    def run(**options):
        refetch(lander.landing, typeform_source, "responses", **options)
        return lander.stream(typeform_source, "responses")

    return run


def fill(forms, form, number, apart=timedelta(minutes=1)):
    forms.add(form)
    for at in range(number):
        forms.respond(
            form, f"{form}x{at:05}", START + at * apart, answers=[{"type": "number", "number": at % 11}]
        )


def drop(forms, form, *places):
    forms.responses[form] = [each for at, each in enumerate(forms.responses[form]) if at not in places]


def test_a_refetch_tells_at_once_and_what_comes_back_counts_again(
    forms, typeform_source, lander, deleted, again
):
    fill(forms, "f1", 10)
    fill(forms, "f2", 10)
    lander.fetch(typeform_source)
    gone = [forms.responses["f1"][at] for at in (0, 4, 9)]
    drop(forms, "f1", 0, 4, 9)
    lander.fetch(typeform_source)
    assert deleted() == set()
    result = again()
    assert (result.error, result.tombstones) == (None, 3)
    assert deleted() == {f"f1/{each['response_id']}" for each in gone}
    assert lander.landing.latest("typeform", "responses").listed == (20, 17)
    assert again().tombstones == 0  # a tombstone is not buried again
    forms.responses["f1"].append(gone[1])
    again()
    assert deleted() == {f"f1/{gone[at]['response_id']}" for at in (0, 2)}


def test_every_response_is_read_again_within_the_days_for_few_requests(
    forms, typeform_source, lander, vendor, deleted
):
    sizes = {"f1": 1, "f2": 500, "f3": 2500, "f4": 900}
    for form, size in sizes.items():
        fill(forms, form, size)
    lander.fetch(typeform_source)
    # Two passes: what is deleted on any night of the second is found within the days.
    asked, seen, last_read = [], {}, {}
    for night in range(1, 85):
        vendor.now += NIGHT + timedelta(minutes=night % 7)
        if night == 30:
            drop(forms, "f2", 0, 250, 499)
            drop(forms, "f3", 0, 900, 1234, 2499)
        before = len(vendor.asked)
        result = lander.stream(typeform_source, "responses")
        assert (result.error, result.notes) == (None, [])
        tonight = [each for each in vendor.asked[before:] if each.path.endswith("/responses")]
        asked.append(len(tonight))
        for window in [each for each in tonight if "until" in each.params]:
            for each in forms.responses[window.path.split("/")[2]]:
                if window.params["since"] <= each["submitted_at"] <= window.params["until"]:
                    last_read[each["response_id"]] = night
        # From the first fetch on no response waits longer than the days.
        assert all(
            night - last_read.get(each["response_id"], 0) < 28
            for form in sizes
            for each in forms.responses[form]
        )
        for found in deleted() - seen.keys():
            seen[found] = night
    assert len(seen) == 7
    assert max(seen.values()) <= 30 + 28
    # One request a form and night for what is new, as before; a pass reads 6 pages and asks for the gone.
    assert sum(asked) <= 84 * 4 + 4 * 6 + 7
    assert max(asked) <= 4 + 3


def test_days_are_a_setting(forms, typeform_source, lander, vendor, deleted):
    fill(forms, "f1", 3)
    lander.fetch(typeform_source)
    drop(forms, "f1", 1)
    vendor.now += NIGHT
    lander.fetch(replace(typeform_source, reread_days=1))
    assert deleted() == {"f1/f1x00001"}


def test_a_late_response_of_any_age_lands_when_its_time_is_read_again(forms, typeform_source, lander, again):
    fill(forms, "f1", 10)
    lander.fetch(typeform_source)
    forms.respond("f1", "late", START + timedelta(minutes=5))
    again()
    assert "f1/late" in lander.ids("typeform", "responses")


def tampered(forms, change):
    """The responses of f1 as a vendor would give them that is not well."""

    def answer(path, params):
        given = forms.answer(path, params)
        return change(given, params) if path == "/forms/f1/responses" else given

    return answer


@pytest.mark.parametrize(
    "change",
    [
        lambda given, params: {**given, "items": given["items"][:-3]},
        lambda given, params: {**given, "items": [], "total_items": len(given["items"])},
        lambda given, params: {**given, "total_items": None, "items": given["items"][:-3]},
        # A filter that leaves out what is there: asked for by its id it is given.
        lambda given, params: (
            given
            if "included_response_ids" in params
            else {"total_items": len(given["items"]) - 1, "page_count": 1, "items": given["items"][:-1]}
        ),
        # Nothing at all, as on a fault of the vendor's: believed only if it is so the next night.
        lambda given, params: {"total_items": 0, "page_count": 0, "items": []},
    ],
    ids=["rows lost", "page lost", "no total", "filter", "nothing"],
)
def test_no_doubt_makes_a_deletion(change, forms, typeform_source, lander, vendor, deleted, again):
    fill(forms, "f1", 10)
    lander.fetch(typeform_source)
    vendor.answer = tampered(forms, change)
    again()
    assert deleted() == set()
    vendor.answer = forms.answer
    vendor.now += NIGHT
    lander.fetch(typeform_source)
    assert deleted() == set()


def test_a_fault_in_the_middle_of_a_stretch_deletes_nothing(
    forms, typeform_source, lander, vendor, reply, deleted, again
):
    fill(forms, "f1", 2500)
    lander.fetch(typeform_source)
    drop(forms, "f1", 100)
    vendor.answer = lambda path, params: (
        reply({}, 500) if "until" in params and "before" in params else forms.answer(path, params)
    )
    assert again().error is not None  # asked for, so it must not fail in silence
    assert deleted() == set()
    vendor.answer = forms.answer
    lander.fetch(typeform_source)
    assert deleted() == {"f1/f1x00100"}


def test_a_form_that_was_emptied_is_believed_the_second_night(
    forms, typeform_source, lander, vendor, deleted, again
):
    fill(forms, "f1", 3)
    lander.fetch(typeform_source)
    drop(forms, "f1", 0, 1, 2)
    result = again()
    assert "believed if it is so the next night" in "".join(result.notes)
    assert lander.stream(typeform_source, "responses").tombstones == 0  # the same day
    vendor.now += NIGHT
    lander.fetch(typeform_source)
    assert len(deleted()) == 3


def test_a_form_that_is_gone_keeps_its_responses(forms, typeform_source, lander, vendor, deleted, again):
    for form in ("f1", "f2"):
        fill(forms, form, 3)
    lander.fetch(typeform_source)
    vendor.answer = lambda path, params: (
        forms.missing if path.startswith("/forms/f1") else forms.answer(path, params)
    )
    result = again()
    assert result.error is None
    assert result.notes == ["f1 is gone (404): left out"]
    del forms.forms["f2"]
    vendor.answer = forms.answer
    assert again().error is None
    assert deleted() == set()


def test_what_was_not_submitted_is_not_judged(forms, typeform_source, lander, vendor, deleted, again):
    """The vendor filters those by another time, or does not list them."""
    fill(forms, "f1", 3)
    forms.responses["f1"][1]["response_type"] = "partial"
    forms.responses["f1"][2]["submitted_at"] = "0001-01-01T00:00:00Z"
    lander.fetch(typeform_source)
    fresh = forms.respond("f1", "fresh", vendor.now - timedelta(hours=23))
    lander.fetch(typeform_source)
    drop(forms, "f1", 1, 2)
    forms.responses["f1"].remove(fresh)
    again()
    assert deleted() == set()


def test_a_deletion_leaves_the_numbers_and_is_told_as_one(forms, typeform_source, lander, again, tmp_path):
    """Ten answers, half of them 0 and half 10: NPS 0. Those of 0 are deleted: five, NPS 100."""
    asked = {"id": "d1", "ref": "nps", "title": "Would you recommend us?", "type": "nps", "properties": {}}
    forms.add("f1", fields=[asked])
    for day in range(10):
        answer = {"field": {"id": "d1", "type": "nps"}, "type": "number", "number": 10 * (day // 5)}
        forms.respond("f1", f"r{day}", START + day * NIGHT, answers=[answer])
    lander.fetch(typeform_source)
    warehouse = Warehouse(tmp_path / "warehouse")
    warehouse.landing = lander.landing
    models = ("+kpi_nps", "+survey_balance", "+survey_answers_left_out", "+restatements")

    def told(as_of):
        warehouse.build(as_of, select=models)
        nps = "select n, nps from marts.kpi_nps where period_grain = 'all' and dimension = 'all'"
        balance = "select landed, counted, left_out from marts.survey_balance"
        return warehouse.query(nps), warehouse.query(balance)

    assert told("2026-06-02T00:00:00Z") == ([(10, 0)], [(10, 10, 0)])
    publish_marts(warehouse, "2026-06-02T00:00:00Z")
    given = list(forms.responses["f1"])
    drop(forms, "f1", *range(5))
    again()
    assert told("2026-06-03T00:00:00Z") == ([(5, 100)], [(10, 5, 5)])
    causes = "select distinct cause from marts.restatements where mart = 'kpi_nps'"
    assert warehouse.query(causes) == [("deletion",)]
    left = "select left_out, count(*) from marts.survey_answers_left_out group by all"
    assert warehouse.query(left) == [("deleted", 5)]
    forms.responses["f1"] = given
    again()
    assert told("2026-06-04T00:00:00Z") == ([(10, 0)], [(10, 10, 0)])
