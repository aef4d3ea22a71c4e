"""What a build is compared with, and whether code or rules changed since."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.publication.baseline import published_marts
from orchestration.publication.publish import Publication

NOW = {"kpi": {"code": "c2", "rules": "r2"}}
MODEL = {
    "name": "kpi",
    "unique_id": "model.tiny.kpi",
    "resource_type": "model",
    "columns": {name: {"name": name, "data_type": kind} for name, kind in (("day", "date"), ("n", "bigint"))},
    "config": {"meta": {"facts": "tickets"}},
}
KEY = {
    "name": "key",
    "resource_type": "test",
    "attached_node": "model.tiny.kpi",
    "test_metadata": {"name": "unique_key", "kwargs": {"columns": ["day"]}},
}
PROJECT = {"nodes": {"model": MODEL, "test": KEY}}


def published(**manifest: Any) -> Publication:
    columns = [{"name": name, "type": "ANY"} for name in manifest.pop("columns", ("day", "n", "retired"))]
    marts = {name: {"columns": columns} for name in manifest.pop("marts", ("kpi", "gone"))}
    return Publication(
        Path("versions/v1"), {"as_of": "2026-03-01T02:00:00+00:00", "marts": marts, **manifest}
    )


def test_nothing_is_compared_before_the_first_publication() -> None:
    assert published_marts(None, PROJECT, NOW) == []


def test_what_both_have_is_compared() -> None:
    [mart] = published_marts(published(), PROJECT, NOW)
    assert (mart.name, mart.version, mart.path) == ("kpi", "v1", Path("versions/v1/marts/kpi.parquet"))
    assert (mart.columns, mart.key, mart.meta) == (
        {"day": "date", "n": "bigint"},
        ["day"],
        {"facts": "tickets"},
    )


def test_a_mart_with_another_key_cannot_be_matched() -> None:
    [mart] = published_marts(published(columns=("n",)), PROJECT, NOW)
    assert mart.key == []


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        ({"kpi": {"code": "c2", "rules": "r2"}}, None),
        ({"kpi": {"code": "c2", "rules": "r1"}}, "rules"),
        ({"kpi": {"code": "c1", "rules": "r1"}}, "code"),
        ({}, "code"),
    ],
)
def test_code_goes_before_rules(before: dict[str, Any], cause: str | None) -> None:
    """A publication that names no fingerprints was made by an earlier release."""
    [mart] = published_marts(published(fingerprints=before), PROJECT, NOW)
    assert mart.cause == cause
