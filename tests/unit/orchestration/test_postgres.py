"""How PostgreSQL is connected to."""

import pytest

from orchestration.publication.postgres import _address


@pytest.mark.parametrize(
    ("url", "is_encrypted"),
    [
        ("postgresql://u:p%40@db.example/marts", True),
        ("postgresql:///marts?host=db.example", True),
        ("postgresql://u:p%40@127.0.0.1:5433/marts", False),
        ("postgresql://u@localhost/marts", False),
        ("postgresql:///marts?host=/var/run/postgresql", False),
    ],
)
def test_a_network_is_crossed_encrypted(url: str, is_encrypted: bool) -> None:
    address = _address(url)
    assert ("sslmode=require" in address) == is_encrypted
    assert "connect_timeout=10" in address
    assert address.startswith(url.partition("?")[0] + "?")


def test_what_the_url_says_is_kept() -> None:
    address = _address("postgres://u@db.example/marts?sslmode=verify-full&options=-c%20a%3Db")
    assert "sslmode=verify-full" in address
    assert "sslmode=require" not in address
    assert "options=-c%20a%3Db" in address
