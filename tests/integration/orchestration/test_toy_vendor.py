"""The recipe "How to add a source" of the architecture: a copy with one more, by its files alone, passes.

The new files are those of tests/toys/vendor, which lie there as they would in the project.
"""

from __future__ import annotations

import re

import pytest

from tests.checkouts import Checkout
from tests.parsed import ROOT

ENTITIES = "'ticket_records', 'tickets', 'ticket_events', 'answers', 'landed_answers', 'staged_streams'"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The project with a helpdesk of three tickets more."""
    copy = Checkout(tmp_path_factory.mktemp("toy_vendor"))
    copy.add(ROOT / "tests" / "toys" / "vendor")
    fetched, united, served = (
        "ingestion/sources/__init__.py",
        "dbt_project/macros/vendors.sql",
        "sandbox/vendors/__init__.py",
    )
    copy.replace(fetched, "typeform, zendesk", "helpbox, typeform, zendesk")
    copy.replace(fetched, "typeform.VENDOR)", "typeform.VENDOR, helpbox.VENDOR)")
    copy.replace(united, "    'files': [", f"    'helpbox': [{ENTITIES}],\n    'files': [")
    imported = "from sandbox.vendors.typeform"
    copy.replace(
        served, imported, f"from sandbox.vendors.helpbox.vendor import VENDOR as HELPBOX\n{imported}"
    )
    copy.replace(served, "TYPEFORM)", "TYPEFORM, HELPBOX)")
    copy.append("README.md", "\nHelpbox: `HELPBOX_URL`, `HELPBOX_TOKEN`.\n")
    copy.append("CHANGELOG.md", "\n- Helpbox.\n")
    copy.make_docs()
    return copy


@pytest.mark.recipe
def test_no_other_file_is_changed_than_the_recipe_names(checkout: Checkout) -> None:
    recipe = (ROOT / "docs" / "architecture.md").read_text().partition("\n## How to add a source\n")[2]
    rows = [row.split("|")[1] for row in recipe.splitlines() if row.startswith("|")]
    named = set(re.findall(r"`(.+?)`", "".join(rows)))
    assert len(named) <= 6
    assert checkout.changed() <= named


@pytest.mark.recipe
@pytest.mark.parametrize(
    "tests",
    [
        # Named in its places alone; parsed, described, in layers; dictionary, settings and example in step.
        ["tests/contract/test_walls.py", "tests/contract/test_dbt_project.py", "tests/contract/test_docs.py"],
        [
            "tests/unit/orchestration/test_settings.py",
            "tests/unit/quality",
            "tests/unit/sandbox/test_server.py",
        ],
        # Fetched beside the others, through all gates to a publication, in which every cell opens.
        [
            "tests/integration/orchestration/test_helpbox.py",
            "tests/integration/orchestration/test_members.py",
        ],
    ],
    ids=["contract", "gates", "published"],
)
def test_a_vendor_by_the_recipe_passes(checkout: Checkout, tests: list[str]) -> None:
    checkout.test(*tests)
