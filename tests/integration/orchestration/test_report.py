"""The report as a step of the night: it loses no publication, and is told to the webhook."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import dagster as dg
import pytest

from orchestration.assets.publish import KEY
from orchestration.ground.home import Home
from orchestration.ground.settings import Settings
from orchestration.publication import publish
from orchestration.refresh import Outcome, refresh
from orchestration.report import page
from tests.receiver import receiving


def shown(settings: Settings) -> Path:
    current = publish.current(settings.home / "published")
    assert current is not None
    return page.path(current.path)


@pytest.mark.slow
def test_a_report_that_fails_loses_no_publication_and_is_made_the_next_night(
    home: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> NoReturn:
        raise RuntimeError("no letters are left")

    with receiving() as webhook:
        settings = home(CXMARTS_WEBHOOK_URL=webhook.url)
        with monkeypatch.context() as patched:
            patched.setattr(page, "make", failing)
            outcome = refresh(settings)
        assert outcome.published and outcome.problems == []
        assert [text for text in outcome.warnings if "no letters are left" in text]
        assert "could not be made" in shown(settings).read_text()

        outcome = refresh(settings)
        assert outcome.published and not [text for text in outcome.warnings if "report" in text]
        assert "could not be made" not in shown(settings).read_text()
    told = webhook.texts[-1].splitlines()
    assert len(told) == 5 and "SLA met, first reply" in told[1]

    quiet = refresh(home(CXMARTS_WEBHOOK_URL=webhook.url, CXMARTS_WEBHOOK_BRIEF="false"))
    assert quiet.published and not [text for text in quiet.warnings if "lines" in text]


def test_the_page_of_the_publication_leads_to_it(refreshed: tuple[Settings, Outcome]) -> None:
    """By an address of the UI's own: a browser follows no link from there to a file."""
    settings, outcome = refreshed
    with dg.DagsterInstance.from_config(str(Home(settings.home).dagster)) as instance:
        event = instance.get_latest_materialization_event(KEY)
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    version = outcome.facts["version"]
    assert metadata["report"].value == f"/report/{version}/index.html"
    # The home has been moved since.
    assert str(metadata["report_file"].value).endswith(f"/versions/{version}/report/index.html")
