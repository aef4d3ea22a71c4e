"""The client against a real server on loopback; waits pass on an injected clock."""

import gzip
import os
import subprocess
import sys
from datetime import timedelta
from email.utils import format_datetime

import msgspec
import pytest

from ingestion.http import Client, PermanentError, TransientError

VARIABLES = ("ZENDESK_URL", "ZENDESK_API_TOKEN")
decode = msgspec.json.decode


@pytest.fixture
def client(vendor, clock):
    with Client(
        vendor.url,
        {"Authorization": "Bearer top-secret"},
        VARIABLES,
        sleep=clock.sleep,
        clock=clock,
        jitter=lambda: 0.5,
    ) as client:
        yield client


def script(vendor, *replies):
    """Answer with each reply in turn, the last one for ever."""
    left = list(replies)
    vendor.answer = lambda path, params: left.pop(0) if len(left) > 1 else left[0]


def test_answer_carries_value_vendor_time_and_parameters(vendor, client):
    vendor.answer = lambda path, params: {"path": path, **params}
    value, answer = client.get("/api/x.json", {"start_time": 5, "page[size]": 100}, decode)
    assert value == {"path": "/api/x.json", "start_time": "5", "page[size]": "100"}
    assert answer.date == vendor.now
    assert vendor.asked[0].headers["authorization"] == "Bearer top-secret"
    assert (client.traffic.requests, client.traffic.retries) == (1, 0)
    assert client.traffic.bytes == len(answer.body)


def test_connections_are_reused(vendor, client):
    from http.server import BaseHTTPRequestHandler

    ports = set()
    original = BaseHTTPRequestHandler.parse_request

    def remember(handler):
        ports.add(handler.client_address)
        return original(handler)

    vendor.answer = lambda path, params: {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseHTTPRequestHandler, "parse_request", remember)
        for _ in range(5):
            client.get("/", {}, decode)
    assert len(ports) == 1


def test_retry_after_in_seconds_is_waited_out(vendor, client, clock, reply):
    script(vendor, reply({}, 429, {"Retry-After": "7"}), {"ok": 1})
    assert client.get("/", {}, decode)[0] == {"ok": 1}
    assert sum(clock.waits) >= 7
    assert client.traffic.retries == 1


def test_retry_after_as_a_date_counts_from_the_vendors_clock(vendor, client, clock, reply):
    until = format_datetime(vendor.now + timedelta(seconds=40), usegmt=True)
    script(vendor, reply({}, 503, {"Retry-After": until}), {})
    client.get("/", {}, decode)
    assert 40 <= sum(clock.waits) < 60


def test_a_rate_limit_without_header_backs_off_and_grows(vendor, client, clock, reply):
    script(vendor, reply({}, 429), reply({}, 429), reply({}, 429), {})
    client.get("/", {}, decode)
    assert clock.waits == [0.5, 1.0, 2.0]  # half of 1, 2, 4 seconds


def test_a_longer_wait_than_the_bound_is_a_clear_error(vendor, client, clock, reply):
    script(vendor, reply({}, 429, {"Retry-After": "901"}))
    with pytest.raises(TransientError, match="asks to wait 901 s, more than 900 s"):
        client.get("/", {}, decode)
    assert clock.waits == []


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_five_failures_end_it(vendor, client, status, reply):
    script(vendor, reply({}, status))
    with pytest.raises(TransientError, match=rf"{status}.*5 attempts") as caught:
        client.get("/api/v2/x.json", {"cursor": "abc"}, decode)
    assert len(vendor.asked) == 5
    assert (caught.value.method, caught.value.status) == ("GET", status)
    assert caught.value.url.endswith("/api/v2/x.json?cursor=abc")


@pytest.mark.parametrize(
    ("status", "word"), [(401, "credentials"), (403, "permission"), (404, "not found"), (422, "refuses")]
)
def test_refusals_are_permanent_at_once(vendor, client, status, word, reply):
    script(vendor, reply(b"null", status))
    with pytest.raises(PermanentError, match=word) as caught:
        client.get("/", {}, decode)
    assert len(vendor.asked) == 1
    assert "top-secret" not in str(caught.value) + repr(caught.value)
    if status != 422:
        assert "ZENDESK_API_TOKEN" in str(caught.value)


@pytest.mark.parametrize("spoilt", ["cut", "truncated", "empty"])
def test_a_broken_body_is_asked_for_again(vendor, client, spoilt, reply):
    whole = b'{"tickets": [{"id": 1}], "more": "' + b"x" * 5000 + b'"}'
    broken = {
        "cut": reply(whole, cut=True),
        "truncated": whole[:2000],
        "empty": b"",
    }[spoilt]
    script(vendor, broken, whole)
    assert client.get("/", {}, decode)[0]["tickets"] == [{"id": 1}]
    script(vendor, broken)
    with pytest.raises(TransientError, match="5 attempts"):
        client.get("/", {}, decode)


def test_an_html_page_with_status_200_is_retried_then_permanent(vendor, client, reply):
    page = reply(b"<!DOCTYPE html><title>Sign in</title>", 200, {"Content-Type": "text/html"})
    script(vendor, page, {"ok": 1})
    assert client.get("/", {}, decode)[0] == {"ok": 1}
    script(vendor, page)
    with pytest.raises(PermanentError, match=r"HTML page.*ZENDESK_URL"):
        client.get("/", {}, decode)


def test_an_unreachable_host_names_the_setting(clock):
    # Nothing listens on port 1 of loopback.
    with (
        Client("http://127.0.0.1:1", {}, VARIABLES, sleep=clock.sleep, clock=clock) as client,
        pytest.raises(TransientError, match="ZENDESK_URL"),
    ):
        client.get("/", {}, decode)
    assert len(clock.waits) == 4


def test_an_unknown_host_names_the_setting(clock):
    with (
        Client("https://no-such-host.invalid", {}, VARIABLES, sleep=clock.sleep, clock=clock) as client,
        pytest.raises(TransientError, match=r"check the network and the host in ZENDESK_URL"),
    ):
        client.get("/", {}, decode)


def test_credentials_never_follow_a_redirect_to_another_host(vendor, client, reply):
    script(vendor, reply({}, 302, {"Location": "http://127.0.0.1:9/elsewhere"}))
    with pytest.raises(PermanentError, match="redirects to another host"):
        client.get("/", {}, decode)
    assert len(vendor.asked) == 1


@pytest.mark.parametrize("location", ["http://[::1/", "//host:port/"])
def test_a_redirect_to_no_address_is_a_clear_error(vendor, client, reply, location):
    script(vendor, reply({}, 302, {"Location": location}))
    with pytest.raises(PermanentError, match=r"redirects to what is no address .*ZENDESK_URL"):
        client.get("/", {}, decode)


def test_a_cursor_that_fits_no_address_is_a_clear_error(vendor, client):
    with pytest.raises(PermanentError, match=r"no address can be made of the cursor") as caught:
        client.get("/api/v2/x.json", {"cursor": "x" * 10_000_000}, decode)
    assert len(str(caught.value)) < 1000
    assert vendor.asked == []


def test_an_answer_that_is_compressed_twice_is_refused_unopened(vendor, client, reply):
    bomb = gzip.compress(gzip.compress(b" " * 50_000_000 + b"{}"))
    script(vendor, reply(bomb, 200, {"Content-Encoding": "gzip, gzip"}))
    with pytest.raises(PermanentError, match="compressed more than once"):
        client.get("/", {}, decode)
    assert client.traffic.bytes == 0
    script(vendor, reply(gzip.compress(b'{"ok": 1}'), 200, {"Content-Encoding": "gzip"}))
    assert client.get("/", {}, decode)[0] == {"ok": 1}


def test_a_redirect_within_the_host_is_followed(vendor, client, reply):
    vendor.answer = lambda path, params: {"ok": 1} if path == "/new" else reply({}, 301, {"Location": "/new"})
    assert client.get("/old", {}, decode)[0] == {"ok": 1}


def test_an_answer_above_the_bound_is_refused(vendor, client, monkeypatch):
    monkeypatch.setattr("ingestion.http.LARGEST_ANSWER", 1000)
    vendor.answer = lambda path, params: {"x": "y" * 2000}
    with pytest.raises(PermanentError, match="larger than"):
        client.get("/", {}, decode)


@pytest.mark.parametrize(
    "url",
    [
        "http://acme.zendesk.com",
        "https://user:pw@acme.zendesk.com",
        "acme.zendesk.com",
        "ftp://127.0.0.1",
        "",
    ],
)
def test_urls_that_could_leak_or_lead_astray_are_refused(url):
    with pytest.raises(PermanentError) as caught:
        Client(url, {}, VARIABLES)
    assert "ZENDESK_URL" in str(caught.value)
    assert "pw" not in str(caught.value)


def test_a_header_that_cannot_be_sent_is_not_shown(vendor, clock):
    with (
        Client(vendor.url, {"Authorization": "Bearer top\nsecret"}, VARIABLES, sleep=clock.sleep) as client,
        pytest.raises(PermanentError, match="ZENDESK_API_TOKEN") as caught,
    ):
        client.get("/", {}, decode)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_missing_ca_file_is_a_clear_error(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such/file.pem")
    with pytest.raises(PermanentError, match="SSL_CERT_FILE"):
        Client("https://acme.zendesk.com", {}, VARIABLES)


def test_an_untrusted_certificate_is_a_clear_error(tmp_path, clock):
    """A server with a certificate of its own is refused, and accepted once SSL_CERT_FILE names its CA."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    files = ["-keyout", key, "-out", certificate, "-addext", "subjectAltName=DNS:localhost"]
    try:
        subprocess.run([*command.split(), *files], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("openssl cannot make a certificate here")
    script = f"""
import http.server, ssl, threading, msgspec
from ingestion.http import Client, PermanentError
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers()
        self.wfile.write(b"{{}}")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain({str(certificate)!r}, {str(key)!r})
server.socket = context.wrap_socket(server.socket, server_side=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
with Client(f"https://localhost:{{server.server_address[1]}}", sleep=lambda s: None) as client:
    try:
        print(client.get("/", {{}}, msgspec.json.decode)[0])
    except PermanentError as error:
        print(error)
"""
    run = [sys.executable, "-c", script]
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    refused = subprocess.run(run, capture_output=True, text=True, check=True, env=environment)
    assert "SSL_CERT_FILE" in refused.stdout
    trusted = subprocess.run(
        run,
        capture_output=True,
        text=True,
        check=True,
        env={**environment, "SSL_CERT_FILE": str(certificate)},
    )
    assert trusted.stdout.strip() == "{}"
