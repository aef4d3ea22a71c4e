"""Settings are complete and right, or refused with every problem named at once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster._core.definitions.utils import is_valid_owner
from hypothesis import given
from hypothesis import strategies as st

from ingestion.sources import LATER, VENDORS
from orchestration.ground.alerts import secrets
from orchestration.ground.settings import (
    FOLDER,
    LATER_VARIABLES,
    PASSED_ON,
    VARIABLES,
    SettingsError,
    is_owner,
    load,
    size_in_bytes,
)

ZENDESK = {
    "ZENDESK_URL": "https://acme.zendesk.com/",
    "ZENDESK_EMAIL": "admin@acme.example",
    "ZENDESK_API_TOKEN": "s3cret-token",
}


def problems(environ: dict[str, str], folder: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, folder)
    return caught.value.problems


def test_defaults(tmp_path: Path) -> None:
    settings = load({}, tmp_path)
    assert settings.home == tmp_path.resolve() / ".cxmarts"
    assert (settings.timezone, settings.as_of, settings.keep_versions) == ("UTC", None, 14)
    assert settings.sources == ()
    assert not settings.is_restricted


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "# a comment\nexport CXMARTS_TIMEZONE = 'Europe/Berlin'  # quoted\nCXMARTS_KEEP_VERSIONS=3\n\n"
        "TYPEFORM_TOKEN=abc # trailing\nCXMARTS_FILES=\n"
    )
    settings = load({"CXMARTS_KEEP_VERSIONS": "5", "PATH": "/bin"}, tmp_path)
    assert (settings.timezone, settings.keep_versions, settings.files) == ("Europe/Berlin", 5, None)
    [typeform] = settings.sources
    assert typeform.name == "typeform"
    assert typeform.values == {"TOKEN": "abc", "URL": "https://api.typeform.com"}


def test_a_value_of_the_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    """No `${...}` is expanded, no `#` inside a value cut off; a quoted value may have escapes."""
    (tmp_path / "x-${HOME}").mkdir()
    (tmp_path / ".env").write_text(
        "\ufeffCXMARTS_HOME=x-${HOME}\nTYPEFORM_TOKEN=a#b$HOME\n"
        'EMEA__TYPEFORM_TOKEN="say \\"hi\\" # no comment"\n',
        encoding="utf-8",
    )
    settings = load({"HOME": "/elsewhere"}, tmp_path)
    assert settings.home == tmp_path.resolve() / "x-${HOME}"
    assert [source.values["TOKEN"] for source in settings.sources] == ['say "hi" # no comment', "a#b$HOME"]


def test_a_process_that_runs_elsewhere_reads_the_folder_it_was_started_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / ".env").write_text("CXMARTS_HOME=data\n")
    (tmp_path / ".env").write_text("CXMARTS_HOME=other\n")
    monkeypatch.chdir(tmp_path)
    assert load({FOLDER: str(tmp_path / "here")}).home == tmp_path.resolve() / "here" / "data"


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "\n# a comment\n\nCXMARTS_TIMEZONE=UTC\n\n\nCXMARTS_TIMEZONE=UTC\n"
        "CXMARTS_FILES='never closed\n=no name\nCXMARTS_HOME\nPATH=/bin\n"
    )
    assert problems({}, tmp_path) == [
        ".env line 10: is no NAME=value",
        ".env line 11: PATH is no known setting",
        ".env line 7: CXMARTS_TIMEZONE is set twice",
        ".env line 8: is no NAME=value",
        ".env line 9: is no NAME=value",
    ]


@pytest.mark.parametrize(
    "owner",
    [
        "care@example.com", "care@sub.example.org", "care@example.engineering", "müller@example.com",
        "team:care", "team:customer-experience", "team:Care EMEA", "team:", "care",
    ],
)  # fmt: skip
def test_an_owner_is_whom_dagster_takes(owner: str) -> None:
    """What it refuses would keep the UI from loading."""
    assert is_owner(owner) == is_valid_owner(owner)


def test_all_problems_at_once(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(
        "CXMARTS_HOEM=x\nSHELL_OPTION=1\nno equals sign\nCXMARTS_AS_OF=2026-01-01\n"
    )
    found = problems(
        {
            "CXMARTS_TIMEZONE": "Eastern Time",
            "CXMARTS_KEEP_VERSIONS": "0",
            "CXMARTS_MEMORY_LIMIT": "lots",
            "CXMARTS_RULES": "nowhere",
            "CXMARTS_OWNER": "the care team",
            "CXMARTS_WEBHOOK_URL": "http://hooks.example/x",
            "CXMARTS_ALLOW_STALE": "zendesk, bad name",
            "CXMARTS_POSTGRES_URL": "postgres://user:geheim@x",
            "CXMARTS_RESTRICTED": "yes",
            "INTERCOM_TOKEN": "t",
        },
        tmp_path,
    )
    text = "\n".join(found)
    for expected in (
        "CXMARTS_HOEM: is no known setting",
        ".env line 2: SHELL_OPTION is no known setting",
        ".env line 3: is no NAME=value",
        "CXMARTS_AS_OF: has no zone",
        "CXMARTS_TIMEZONE: 'Eastern Time' is no IANA time zone",
        "CXMARTS_KEEP_VERSIONS: must be a whole number",
        "CXMARTS_MEMORY_LIMIT: must be a size",
        "CXMARTS_RULES: nowhere is no folder",
        "CXMARTS_OWNER: must be an address or team:NAME",
        "CXMARTS_WEBHOOK_URL: plain http goes to loopback only",
        "CXMARTS_ALLOW_STALE: 'bad name' is no source name",
        "CXMARTS_RESTRICTED: must be true or false",
        "CXMARTS_POSTGRES_URL: is no URL such as postgresql://user:password@host:5432/database",
        "INTERCOM_TOKEN: not supported in this version",
    ):
        assert expected in text
    assert len(found) == 14


def test_zendesk_with_api_token(tmp_path: Path) -> None:
    [source] = load({**ZENDESK, "ZENDESK_START_AT": "2026-01-01T00:00:00+02:00"}, tmp_path).sources
    assert (source.name, source.vendor, source.urls) == ("zendesk", "zendesk", ["https://acme.zendesk.com"])
    assert source.values["START_AT"] == datetime(2025, 12, 31, 22, tzinfo=UTC)
    assert source.secrets == ["s3cret-token"]


@pytest.mark.parametrize(
    ("removed", "message"),
    [
        ("ZENDESK_URL", "ZENDESK_URL: missing (ZENDESK_API_TOKEN, ZENDESK_EMAIL is set)"),
        ("ZENDESK_EMAIL", "ZENDESK_EMAIL: missing (ZENDESK_API_TOKEN, ZENDESK_URL is set)"),
        ("ZENDESK_API_TOKEN", "ZENDESK_API_TOKEN: missing (ZENDESK_EMAIL, ZENDESK_URL is set)"),
    ],
)
def test_half_set_credentials(tmp_path: Path, removed: str, message: str) -> None:
    assert problems({k: v for k, v in ZENDESK.items() if k != removed}, tmp_path) == [message]


def test_two_ways_to_sign_in_are_one_too_many(tmp_path: Path) -> None:
    [problem] = problems({**ZENDESK, "ZENDESK_OAUTH_TOKEN": "x"}, tmp_path)
    assert problem.startswith("ZENDESK_OAUTH_TOKEN: set either it, or ZENDESK_EMAIL")


def test_instances(tmp_path: Path) -> None:
    second = {f"EMEA__{name}": value for name, value in ZENDESK.items()}
    settings = load({**ZENDESK, **second, "US_EAST__TYPEFORM_TOKEN": "t"}, tmp_path)
    assert [(s.vendor, s.name) for s in settings.sources] == [
        ("typeform", "us_east"),
        ("zendesk", "emea"),
        ("zendesk", "zendesk"),
    ]


def test_two_accounts_cannot_share_a_name(tmp_path: Path) -> None:
    second = {f"EMEA__{name}": value for name, value in ZENDESK.items()}
    [problem] = problems({**second, "EMEA__TYPEFORM_TOKEN": "t"}, tmp_path)
    assert "share the source name 'emea'" in problem


@pytest.mark.parametrize(
    "url",
    ["http://acme.zendesk.com", "ftp://acme", "acme.zendesk.com", "https://", "https://u:p@acme.zendesk.com",
     "https://acme.zendesk.com/?q=1", "https://a b.com", "http://127.0.0.1.evil.example", "https://[::1"],
)  # fmt: skip
def test_refused_urls(tmp_path: Path, url: str) -> None:
    assert [p for p in problems({**ZENDESK, "ZENDESK_URL": url}, tmp_path) if p.startswith("ZENDESK_URL:")]


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:1", "[::1]:99"])
def test_plain_http_to_loopback(tmp_path: Path, host: str) -> None:
    [source] = load({**ZENDESK, "ZENDESK_URL": f"http://{host}/zendesk"}, tmp_path).sources
    assert source.urls == [f"http://{host}/zendesk"]


def test_no_secret_in_any_text(tmp_path: Path) -> None:
    urls = dict.fromkeys(("CXMARTS_WEBHOOK_URL", "CXMARTS_FOLLOW_UP_URL"), "https://hooks.example/T000/xyz")
    settings = load({**ZENDESK, **urls}, tmp_path)
    assert "s3cret" not in repr(settings)
    assert "xyz" not in repr(settings)
    broken = {**ZENDESK, "CXMARTS_WEBHOOK_URL": "http://hooks.example/T000/xyz", "ZENDESK_EMAIL": ""}
    assert not any("xyz" in p or "s3cret" in p for p in problems(broken, tmp_path))


def test_names_and_comments_are_asked_for(tmp_path: Path) -> None:
    assert load({"CXMARTS_RESTRICTED": "True"}, tmp_path).is_restricted
    assert not load({"CXMARTS_RESTRICTED": "false"}, tmp_path).is_restricted
    assert load({}, tmp_path).is_brief_sent
    assert not load({"CXMARTS_WEBHOOK_BRIEF": "false"}, tmp_path).is_brief_sent


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user:geheim@db.example/marts",
        "postgresql://user:geheim@db.example",
        "postgresql://user:ge/heim@db.example/marts",
        "postgresql:///marts",
        "db.example",
    ],
)
def test_what_is_no_database(url: str, tmp_path: Path) -> None:
    [problem] = problems({"CXMARTS_POSTGRES_URL": url}, tmp_path)
    assert problem.startswith("CXMARTS_POSTGRES_URL: is no URL such as postgresql://")
    assert "heim" not in problem


def test_a_database_and_who_may_read_it(tmp_path: Path) -> None:
    url = "postgresql://user:ge%2Fheim@db.example:5433/marts?sslmode=verify-full&password=an%2Bder"
    settings = load({"CXMARTS_POSTGRES_URL": url}, tmp_path)
    assert (settings.postgres_url, settings.postgres_reader) == (url, "cxmarts_reader")
    assert load({"CXMARTS_POSTGRES_READER": "bi"}, tmp_path).postgres_reader == "bi"
    assert "heim" not in repr(settings)
    assert {url, "ge%2Fheim", "ge/heim", "an+der"} <= set(secrets(settings))


def test_relative_paths_are_of_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    settings = load({"CXMARTS_HOME": "data", "CXMARTS_RULES": "rules"}, tmp_path)
    assert (settings.home, settings.rules) == (tmp_path.resolve() / "data", tmp_path.resolve() / "rules")


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in `.env`, there are settings or there is a SettingsError, nothing else."""
    folder = tmp_path_factory.mktemp("env")
    (folder / ".env").write_text(text, encoding="utf-8", newline="")
    try:
        load({}, folder)
    except SettingsError as error:
        assert error.problems


def test_the_example_lists_every_variable() -> None:
    """`.env.example` documents each variable, and is itself accepted."""
    example = Path(__file__).parents[3] / ".env.example"
    named = {line.partition("=")[0].lstrip("# ") for line in example.read_text().splitlines() if "=" in line}
    expected = {*VARIABLES, *LATER_VARIABLES, *PASSED_ON}
    expected |= {name for vendor in VENDORS.values() for name in vendor.names()}
    expected |= {f"{v.upper()}_{key}" for v, keys in LATER.items() for key in keys if key != "START_AT"}
    assert {name for name in named if "__" not in name} == expected


def test_the_example_is_accepted(tmp_path: Path) -> None:
    example = Path(__file__).parents[3] / ".env.example"
    (tmp_path / ".env").write_text(example.read_text())
    assert load({}, tmp_path).sources == ()


@pytest.mark.parametrize(
    ("text", "size"), [("2GB", 2_000_000_000), ("1500MiB", 1_572_864_000), ("0.5 kb", 500), ("1TiB", 2**40)]
)
def test_sizes_are_decimal_and_with_an_i_binary(text: str, size: int) -> None:
    assert size_in_bytes(text) == size
