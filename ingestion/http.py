"""The one HTTP client: pooled connections, bounded retries, typed errors that say what to do."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
import msgspec

from ingestion import mending
from ingestion.budget import Budget
from ingestion.errors import ExpectedError
from ingestion.urls import is_loopback

T = TypeVar("T")

#: Attempts at one request, the first included.
ATTEMPTS = 5
#: Seconds: the backoff before attempt n is drawn from 0 to min(cap, first * 2 ** (n - 2)).
BACKOFF_FIRST, BACKOFF_CAP = 1.0, 60.0
#: Seconds: a `Retry-After` up to this is waited out; a longer one ends the fetch of the stream.
LONGEST_WAIT = 900.0
#: Bytes of one decoded answer, and seconds to receive it.
LARGEST_ANSWER, LONGEST_ANSWER = 256 * 1024 * 1024, 600.0
TIMEOUT = httpx2.Timeout(connect=10, read=120, write=30, pool=120)

_REDIRECTS = {301, 302, 303, 307, 308}


class FetchError(ExpectedError):
    """A request that did not succeed.

    Attributes:
        method: HTTP method.
        url: The URL, without credentials.
        status: HTTP status; None if there was no answer.
        attempts: How often it was tried.
        reason: The text without the request: the same for all requests that fail for one cause.
    """

    def __init__(
        self, reason: str, *, url: str = "", method: str = "GET", status: int | None = None, attempts: int = 1
    ) -> None:
        self.method, self.url, self.status, self.attempts = method, url[:300], status, attempts
        tries = f" ({attempts} attempts)" if attempts > 1 else ""
        self.reason = f"{reason}{tries}"
        super().__init__(f"{method} {self.url}: {self.reason}" if url else reason)


class PermanentError(FetchError):
    """Trying again will not help: somebody must change something."""


class TransientError(FetchError):
    """A later run may succeed."""


@dataclass(frozen=True)
class Answer:
    """A complete answer with status 200.

    Attributes:
        body: The decoded bytes, mended where they were not quite JSON.
        date: The vendor's now (its `Date` header; this machine's clock if it sent none).
        link: The `Link` header, or `""`.
        attempts: Requests that it took.
        is_mended: Whether something in it could not be read as it was sent.
    """

    body: bytes
    date: datetime
    link: str
    attempts: int = 1
    is_mended: bool = False


@dataclass
class Traffic:
    """What a client did so far: requests sent, those of them that were retries, bytes, seconds waited."""

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    waited: float = 0.0


class Client:
    """Reads JSON from one base URL; safe to share between threads.

    Retried: connection errors, 408, 429, 5xx, bodies that are cut off or not the documented JSON. A 429 or
    503 with `Retry-After` holds back every thread of the client. Redirects to another host are refused, so
    that credentials never travel there.

    Args:
        base_url: https, or http to loopback.
        headers: Sent with every request.
        variables: Settings named in errors.
        sleep: Waits for seconds.
        clock: Monotonic seconds.
        jitter: Uniform in 0..1.
        attempts: At one request, the first included.
        spares: The share of the vendor's limit that is left to other tools, where its answers tell it.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str] | None = None,
        variables: tuple[str, ...] = (),
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
        attempts: int = ATTEMPTS,
        spares: float = 0.0,
    ) -> None:
        self.base_url = checked_url(base_url, _named(variables))
        self.traffic = Traffic()
        self._variables = _named(variables)
        self._sleep, self._clock, self._jitter, self._attempts = sleep, clock, jitter, attempts
        self._hold_until = 0.0
        self._budget = Budget(spares, clock)
        self._lock = threading.Lock()
        try:
            tls = httpx2.create_ssl_context()
        except OSError as error:
            reason = f"the CA file in SSL_CERT_FILE cannot be read: {error.strerror or error}"
            raise PermanentError(reason) from None
        self._http = httpx2.Client(
            verify=tls,
            headers={"Accept": "application/json", "User-Agent": "cxmarts", **(headers or {})},
            timeout=TIMEOUT,
            limits=httpx2.Limits(max_connections=16, max_keepalive_connections=16, keepalive_expiry=60),
            follow_redirects=False,
            # A proxy named in the environment is for the outside, never for loopback.
            trust_env=not is_loopback(httpx2.URL(self.base_url).host),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(
        self, path: str, params: Mapping[str, str | int], decode: Callable[[bytes], T]
    ) -> tuple[T, Answer]:
        """Read one answer and decode it.

        Args:
            path: Below the base URL.
            params: Query parameters.
            decode: Turns the body into a value; a `msgspec.DecodeError` counts as a broken answer.

        Raises:
            PermanentError: credentials, permissions, address, or an answer that stays malformed.
            TransientError: the vendor cannot be reached, stays overloaded or asks for a longer wait.
        """
        try:
            url = httpx2.URL(self.base_url + path, params=dict(params))
        except httpx2.InvalidURL as error:
            reason = f"no address can be made of the cursor or id that the vendor gave ({error})"
            raise PermanentError(reason, url=self.base_url + path) from None
        for attempt in range(1, self._attempts + 1):
            self._wait(max(self._hold_until, self._budget.until(path)) - self._clock())
            try:
                answer = self._read(url, path)
                value, body = mending.read(answer.body, decode)
                is_mended = body is not answer.body
                return value, Answer(body, answer.date, answer.link, attempt, is_mended)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                fault = _malformed(answer.body, error, self._variables)
            except _Fault as caught:
                fault = caught
            if fault.is_final or attempt == self._attempts:
                kind = PermanentError if fault.is_permanent else TransientError
                raise kind(fault.reason, url=str(url), status=fault.status, attempts=attempt) from None
            delay = self._jitter() * min(BACKOFF_CAP, BACKOFF_FIRST * 2 ** (attempt - 1))
            if fault.retry_after is None:
                self._wait(delay)
            elif fault.retry_after <= LONGEST_WAIT:
                with self._lock:
                    self._hold_until = max(self._hold_until, self._clock() + fault.retry_after + delay)
            else:
                reason = (
                    f"{fault.reason}; it asks to wait {fault.retry_after:.0f} s, "
                    f"more than {LONGEST_WAIT:.0f} s: run again later"
                )
                raise TransientError(reason, url=str(url), status=fault.status, attempts=attempt)
            with self._lock:
                self.traffic.retries += 1
        raise AssertionError("unreachable")

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with self._lock:
                self.traffic.waited += seconds
            self._sleep(seconds)

    def _read(self, url: httpx2.URL, path: str) -> Answer:
        """One request with its redirects; anything but a complete 200 is a `_Fault`."""
        for _ in range(4):
            with self._lock:
                self.traffic.requests += 1
            try:
                with self._http.stream("GET", url) as response:
                    body = self._body(response)
            except httpx2.LocalProtocolError:
                reason = f"a request header is malformed: check {self._variables}"
                raise _Fault(reason, is_final=True) from None
            except httpx2.RequestError as error:
                raise self._connection_fault(error) from None
            self._budget.note(path, response.headers)
            if response.status_code not in _REDIRECTS:
                break
            try:
                target = url.join(response.headers.get("location", ""))
            except httpx2.InvalidURL as error:
                raise _Fault(
                    f"redirects to what is no address ({error}): check {self._variables}",
                    status=response.status_code,
                    is_final=True,
                ) from None
            if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
                raise _Fault(
                    f"redirects to another host ({target.host}), where the credentials must not go: "
                    f"check {self._variables}",
                    status=response.status_code,
                    is_final=True,
                )
            url = target
        if response.status_code == 200:
            return Answer(body, _date(response), response.headers.get("link", ""))
        raise self._status_fault(response)

    def _body(self, response: httpx2.Response) -> bytes:
        # The bound holds for what one coding unpacks; of two, the inner one could unpack to anything.
        if len(response.headers.get_list("content-encoding", split_commas=True)) > 1:
            reason = "the answer is compressed more than once, which is not asked for"
            raise _Fault(reason, status=response.status_code, is_final=True)
        chunks, size, started = [], 0, self._clock()
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > LARGEST_ANSWER:
                reason = f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB: ask for smaller pages"
                raise _Fault(reason, status=response.status_code, is_final=True)
            if self._clock() - started > LONGEST_ANSWER:
                raise _Fault(f"the answer took longer than {LONGEST_ANSWER:.0f} s")
            chunks.append(chunk)
        with self._lock:
            self.traffic.bytes += size
        return b"".join(chunks)

    def _connection_fault(self, error: httpx2.RequestError) -> _Fault:
        text = str(error) or type(error).__name__
        if "CERTIFICATE_VERIFY_FAILED" in text:
            return _Fault(
                "the server's TLS certificate is not trusted; a company's own CA is named in SSL_CERT_FILE",
                is_final=True,
            )
        return _Fault(f"no complete answer ({text}): check the network and the host in {self._variables}")

    def _status_fault(self, response: httpx2.Response) -> _Fault:
        status = response.status_code
        reason = f"answered {status} {response.reason_phrase}".rstrip()
        if status in {408, 429} or status >= 500:
            return _Fault(
                f"{reason}: the vendor is overloaded or limits the rate",
                status,
                retry_after=_retry_after(response),
            )
        advice = {
            401: f"the credentials were refused: check {self._variables}",
            403: f"the account or token lacks the permission (or the plan lacks it): check {self._variables}",
            404: f"not found: check the address in {self._variables}, and that the record still exists",
        }
        return _Fault(
            f"{reason}: {advice.get(status, 'the vendor refuses the request')}", status, is_final=True
        )


class _Fault(Exception):
    """One failed attempt."""

    def __init__(
        self,
        reason: str,
        status: int | None = None,
        *,
        is_final: bool = False,
        is_permanent: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.status, self.retry_after = reason, status, retry_after
        self.is_final, self.is_permanent = is_final, is_final or is_permanent


def checked_url(url: str, variables: str = "the URL") -> str:
    """A base URL without a trailing slash.

    Raises:
        PermanentError: it is not https (http only to loopback), or holds credentials or a query.
    """
    try:
        parsed = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, TypeError):
        raise PermanentError(f"not a URL: check {variables}") from None
    if parsed.userinfo or parsed.query or parsed.fragment or not parsed.host:
        raise PermanentError(f"the URL must read https://host, without user or query: check {variables}")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(parsed.host)):
        raise PermanentError(f"{parsed.scheme}://{parsed.host} is not https: check {variables}")
    return str(parsed).rstrip("/")


def checked_secret(value: str, variable: str) -> str:
    """A credential that can be sent in a header.

    Raises:
        PermanentError: it is empty or holds characters that no header takes; the text never shows it.
    """
    value = value.strip()
    if not value:
        raise PermanentError(f"{variable} is not set")
    if not (value.isascii() and value.isprintable()):
        raise PermanentError(f"{variable} holds characters that cannot be sent: copy it again")
    return value


def _named(variables: tuple[str, ...]) -> str:
    return ", ".join(variables) or "the source's settings"


def _malformed(body: bytes, error: Exception, variables: str) -> _Fault:
    if body.lstrip()[:1] == b"<":
        reason = f"answered 200 with an HTML page, not JSON: is this the API's address? Check {variables}"
    elif isinstance(error, msgspec.ValidationError):
        reason = f"answered 200 without what the API documents: {error}"
    else:
        return _Fault(f"answered 200 with a body that is cut off or not JSON ({error})", 200)
    return _Fault(reason, 200, is_permanent=True)


def _date(response: httpx2.Response) -> datetime:
    try:
        stamp = parsedate_to_datetime(response.headers["date"])
    except (KeyError, ValueError):
        return datetime.now(UTC)
    return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds asked for: a number, or an HTTP date counted from the vendor's own now."""
    value = response.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - _date(response)).total_seconds())
