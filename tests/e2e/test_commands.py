"""The commands as people run them: separate processes, real HTTP, real files."""

import json
import os
import re
from pathlib import Path

from orchestration.ground.locking import exclusive
from sandbox.catalog import CSAT_FORM
from sandbox.real.forms import PERMISSION
from sandbox.server import Sandbox
from tests.homes import hashes, new_folder, run, said, start, variables
from tests.receiver import receiving

CURRENT = Path(".cxmarts", "published", "current")


def test_refresh_says_what_it_did(first: Path) -> None:
    told = said(first)
    assert told["published"] is True
    assert told["requests"] > 10
    assert told["rows"]["tickets"] > 50
    assert told["as_of"] == "2026-03-02T06:00:00+00:00"
    assert told["path"].endswith(f"/.cxmarts/published/versions/{(first / CURRENT).resolve().name}")
    assert (first / ".cxmarts").stat().st_mode & 0o777 == 0o700


def test_the_lists(copy: Path, sandbox: Sandbox) -> None:
    version = said(copy)["version"]
    listed = run(copy, "publications").stdout
    assert listed.startswith(f"current {version}  as of 2026-03-02 06:00:00Z")
    assert run(copy, "batches").stdout.startswith("No batch is held or waived")
    card = run(copy, "scorecard").stdout
    assert "CSAT" in card
    assert "First reply" in card
    assert f"\ntypeform,{CSAT_FORM},{PERMISSION.id},KIND,,,,,\n" in run(copy, "questions").stdout
    refused = run(copy, "rollback", "20200101T000000000000Z-abcdef")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "there is no version" in refused.stderr
    assert run(copy, "refetch", "zendesk/nothing", **variables(sandbox)).stderr.startswith(
        "cxmarts: zendesk has no stream 'nothing'; it has tickets, "
    )
    again = run(copy, "refetch", "zendesk/groups", **variables(sandbox))
    assert again.stdout == "zendesk/groups: the next refresh reads it again\n"


def test_the_doctor(copy: Path, sandbox: Sandbox) -> None:
    good = run(copy, "doctor", **variables(sandbox))
    assert good.returncode == 0, good.stdout
    assert "zendesk: tickets" in good.stdout
    bad = run(copy, "doctor", **variables(sandbox, ZENDESK_API_TOKEN="wrong"))
    assert bad.returncode == 1
    assert "ZENDESK_API_TOKEN" in bad.stdout
    assert "wrong" not in bad.stdout.replace("wrong credentials", "")


def test_wrong_credentials_are_one_message(copy: Path, sandbox: Sandbox) -> None:
    """However many streams they stop; on the command line, and to the webhook though no UI is up."""
    before = hashes(copy / CURRENT)
    with receiving() as webhook:
        wrong = variables(sandbox, ZENDESK_API_TOKEN="not-the-token", CXMARTS_WEBHOOK_URL=webhook.url)
        done = run(copy, "refresh", **wrong)
    assert done.returncode == 1
    assert "not published, the published marts stay as they were" in done.stderr
    [cause] = [line for line in done.stderr.splitlines() if "401 Unauthorized" in line]
    assert re.match(r"  - \d\d streams of zendesk: answered 401 Unauthorized: ", cause)
    assert "ZENDESK_API_TOKEN" in cause
    [text] = webhook.texts
    assert text.splitlines()[1] == cause.replace("  - ", "• ")
    assert "not-the-token" not in done.stderr + done.stdout + text
    assert "Traceback" not in done.stderr
    assert hashes(copy / CURRENT) == before


def test_settings_are_refused_before_anything_starts(tmp_path: Path) -> None:
    done = run(tmp_path, "refresh", CXMARTS_HOEM="x", ZENDESK_URL="https://x.zendesk.com")
    assert done.returncode == 2
    assert "CXMARTS_HOEM: is no known setting" in done.stderr
    assert "ZENDESK_EMAIL, ZENDESK_API_TOKEN: missing" in done.stderr
    assert not (tmp_path / ".cxmarts").exists()


def test_without_a_source_it_says_what_to_do(tmp_path: Path) -> None:
    done = run(tmp_path, "refresh")
    assert done.returncode == 1
    assert "no source is configured" in done.stderr
    assert "nothing is published" in done.stderr


def test_a_second_refresh_is_told_who_runs(copy: Path, sandbox: Sandbox) -> None:
    with exclusive(copy / ".cxmarts" / "warehouse.lock", "run 1234 of job nightly"):
        done = run(copy, "refresh", "--json", **variables(sandbox))
    assert done.returncode == 3
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["published"] is False
    assert "is in use by process" in told["problems"][0]
    assert f"is in use by process {os.getpid()} (run 1234 of job nightly)" in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_terminated_is_a_clear_end(sandbox: Sandbox, tmp_path: Path) -> None:
    process = start(new_folder(tmp_path), **variables(sandbox))
    assert process.stderr is not None
    text = ""
    for line in process.stderr:
        text += line
        if "Landing" in line:
            process.terminate()
    assert process.wait() == 130
    assert "interrupted; nothing was published" in text
    assert "Traceback" not in text
