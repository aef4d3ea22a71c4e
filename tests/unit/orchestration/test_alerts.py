"""A failure is told once per window, to a real server, without a secret."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.ground.alerts import WINDOW_SECONDS, AlertError, Alerts
from orchestration.ground.settings import Account, Settings
from tests.receiver import Receiver, receiving


@pytest.fixture
def webhook() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def alerts(tmp_path: Path, webhook: Receiver, clock: Clock) -> Alerts:
    source = Account("zendesk", "zendesk", {"URL": "https://x.example", "API_TOKEN": "top-secret"})
    settings = Settings(home=tmp_path, webhook_url=webhook.url, sources=(source,))
    return Alerts(tmp_path / "alerts.json", settings, clock)


def test_one_message_per_failure_and_window(tmp_path: Path, webhook: Receiver) -> None:
    clock = Clock()
    sender = alerts(tmp_path, webhook, clock)
    assert sender.send("nightly: 3 rows without id", "first")
    assert not sender.send("nightly: 5 rows without id", "again, other count")
    assert sender.send("nightly: disk full", "another failure")
    clock.now += WINDOW_SECONDS + 1
    assert alerts(tmp_path, webhook, clock).send("nightly: 7 rows without id", "later")
    assert webhook.texts == [
        "first",
        "another failure",
        "later\n(1 further failures of this kind were not told)",
    ]


def test_a_run_that_two_tell_of_is_one_failure(tmp_path: Path, webhook: Receiver) -> None:
    """The command line tells of its own run; the sensor of a UI that is up finds that run too."""
    clock = Clock()
    command, sensor = (alerts(tmp_path, webhook, clock) for _ in range(2))
    causes = ["13 streams of zendesk: refused", *(f"cause {n}" for n in range(2, 13))]
    assert command.failed("nightly", "run a", causes)
    assert not sensor.failed("nightly", "run a", causes)
    assert not sensor.failed("nightly", "run b", causes)
    clock.now += WINDOW_SECONDS + 1
    assert command.failed("nightly", "run c", causes)
    [first, later] = webhook.texts
    assert first.splitlines()[0] == ":red_circle: *nightly* failed; the published marts stay as they were."
    assert first.splitlines()[1] == "• 13 streams of zendesk: refused"
    assert first.splitlines()[-2:] == ["• and 2 more", "run run a"]
    assert command.failed("nightly", "run d", ["PostgreSQL is away"], "20260302T060000000000Z-abcdef")
    assert webhook.texts[-1].startswith(
        ":red_circle: *nightly* failed after it published 20260302T060000000000Z-abcdef.\n"
    )
    assert later.endswith("\n(1 further failures of this kind were not told)")


def test_a_refused_message_counts_as_not_sent(tmp_path: Path, webhook: Receiver) -> None:
    sender = alerts(tmp_path, webhook, Clock())
    webhook.answers = [500]
    with pytest.raises(AlertError, match="answered 500") as caught:
        sender.send("x", "text")
    assert "secret" not in str(caught.value)
    assert sender.send("x", "text")


def test_an_absent_server_is_a_clear_error_without_the_address(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, webhook_url="http://127.0.0.1:9/T0-secret")
    with pytest.raises(AlertError, match="could not be reached") as caught:
        Alerts(tmp_path / "alerts.json", settings).send("x", "text")
    assert "secret" not in str(caught.value)


def test_no_secret_leaves(tmp_path: Path, webhook: Receiver) -> None:
    sender = alerts(tmp_path, webhook, Clock())
    sender.send("x", f"token top-secret was refused, see {webhook.url}")
    assert webhook.texts == ["token *** was refused, see ***"]


def test_what_a_publication_says_is_no_markup_and_told_each_time(tmp_path: Path, webhook: Receiver) -> None:
    sender = alerts(tmp_path, webhook, Clock())
    for _ in range(2):
        sender.published("group <!channel> & <https://evil.example|us>: 3, top-secret")
    assert webhook.texts == ["group &lt;!channel&gt; &amp; &lt;https://evil.example|us&gt;: 3, ***"] * 2


def test_a_full_disk_is_told_of(tmp_path: Path, webhook: Receiver) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        assert alerts(tmp_path, webhook, Clock()).send("x", "the disk is full")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert webhook.texts == ["the disk is full"]


def test_a_long_message_is_cut(tmp_path: Path, webhook: Receiver) -> None:
    alerts(tmp_path, webhook, Clock()).send("x", "a" * 100_000)
    assert len(webhook.texts[0]) == 3500


def test_without_a_webhook_nothing_happens(tmp_path: Path) -> None:
    assert not Alerts(tmp_path / "alerts.json", Settings(home=tmp_path)).send("x", "text")
    assert list(tmp_path.iterdir()) == []
