"""What a source is: a declaration of its streams, and what comes back from fetching them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from ingestion.landing import Landing
from ingestion.paging import NumberedExport, Paging, State, TokenWalk

if TYPE_CHECKING:
    from ingestion.revisiting import Revisits

T = TypeVar("T")


class Get(Protocol):
    """One more request: reads a path below the source's URL and decodes the answer."""

    def __call__(self, path: str, decode: Callable[[bytes], T]) -> T:
        """Raises FetchError, also when `decode` refuses the answer with a `msgspec.DecodeError`."""


@dataclass(frozen=True)
class Deletion:
    """What a deleted record looks like: a field, and the test of its value."""

    field: str
    is_deleted: Callable[[Any], bool]


@dataclass(frozen=True)
class Lookup:
    """How one record is asked for by its id; one that is gone answers 404.

    Attributes:
        path: Path of the request; holds `{id}`.
        params: Its query parameters.
    """

    path: str
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Partitions:
    """The parts that a stream is read in, each with a cursor of its own.

    Attributes:
        names: One walk each, in this order; `{partition}` in the stream's path is replaced by the name.
        marker: Becomes the cursor `""` once every partition was read; None leaves it.
        marks: Becomes the cursor `""` as soon as a partition was read, with the names of those that were not:
            a run that is cut off goes on behind it, and one that fails costs no other.
        read_before: What changed before (microseconds since 1970) was read of a partition by an earlier run.
    """

    names: list[str]
    marker: State | None = None
    marks: Mapping[str, State] = field(default_factory=dict)
    read_before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Stream:
    """One stream of records of a source that is read over HTTP.

    Attributes:
        name: The landing's name of the stream.
        path: Path of the request below the source's URL; may hold `{partition}`.
        records: Name of the array of records in the answer; `""` if the answer is the array.
        paging: How one page leads to the next.
        params: Query parameters sent with every request.
        id_field: Field of the record's id.
        record_id: The one record's id, where the answer holds that one in place of an array; without its
            clock it holds none.
        clock: Field of the record's change clock (ISO 8601 with a zone, or unix seconds); or reads it from
            the record, in microseconds since 1970, where no one field holds it.
        deletion: What a deleted record looks like; None if the vendor has no such mark.
        spec_version: Raised when the declaration changes so that records must be fetched again.
        is_list: The walk gives the complete list each time: only changed records land, a record that is
            absent from a list that was read to its end lands once more as deleted.
        detail: Completes a record by further requests: (get, record id, record as listed) -> payload.
        trusts_clock: For a list with `detail`: a record whose clock did not move since it was last read is
            unchanged and costs no request.
        partitions: Names the parts of the stream: (landing, source name, streams that failed in this run);
            called after the streams in `after`.
        after: Streams of the same source that must have been read before.
        prefixes_id: The record id is `<partition>/<id>`.
        missing_ok: A partition that answers 404 is noted and left out.
        optional: Not every plan of the vendor has it: 403 and 404 are a warning while nothing has landed.
        rereading: How each stretch of the history is read again within the source's `reread_days`, where the
            vendor tells of no deletion: what is gone lands once more as deleted. Partitions prefix its ids.
        lookup: How single records are asked for: whether one that was not read again is gone, and what the
            walk stepped over.
        trash: Streams of records that left this one's list: not looked for in it.
        revisits: How records are read again that change after their creation, where the walk gives what was
            created. Without partitions; after the stream of their subjects.
    """

    name: str
    path: str
    records: str
    paging: Paging
    params: Mapping[str, str | int] = field(default_factory=dict)
    id_field: str = "id"
    record_id: str | None = None
    clock: str | Callable[[bytes], int | None] | None = "updated_at"
    deletion: Deletion | None = None
    spec_version: int = 1
    is_list: bool = False
    detail: Callable[[Get, str, bytes], bytes] | None = None
    trusts_clock: bool = False
    partitions: Callable[[Landing, str, frozenset[str]], Partitions] | None = None
    after: tuple[str, ...] = ()
    prefixes_id: bool = False
    missing_ok: bool = False
    optional: bool = False
    rereading: TokenWalk | NumberedExport | None = None
    lookup: Lookup | None = None
    trash: tuple[str, ...] = ()
    revisits: Revisits | None = None


@dataclass
class StreamResult:
    """What one fetch of one stream did.

    Counts follow the landing's metadata; `received + tombstones = landed + duplicates + unchanged`.

    Attributes:
        source: Instance name.
        vendor: Vendor name.
        stream: Stream name.
        batches: Ids of the batches that landed, oldest first.
        received: Records that the source gave.
        landed: Rows that landed.
        duplicates: Repeats dropped within a batch.
        unchanged: Records dropped because their content had landed before.
        tombstones: Rows that stand for records vanished from what was read in full.
        requests: Requests answered or given up.
        parts, of_parts: Partitions read so far, and of how many, where each costs a request.
        seconds: Time spent, by a monotonic clock.
        notes: Remarks for people (stepped-over seconds, vanished partitions, a plan without the stream).
        error: Why the stream was not read to its end; None when it was.
    """

    source: str
    vendor: str
    stream: str
    batches: list[str] = field(default_factory=list)
    received: int = 0
    landed: int = 0
    duplicates: int = 0
    unchanged: int = 0
    tombstones: int = 0
    requests: int = 0
    parts: int = 0
    of_parts: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    error: Exception | None = None


@dataclass(frozen=True)
class Finding:
    """One line of a source's health check: what was tried, whether it works, what to do if not."""

    source: str
    subject: str
    ok: bool
    text: str
    warns: bool = False


#: Called now and then with a stream's running counts; must be quick and thread-safe.
Progress = Callable[[StreamResult], None]


@dataclass(frozen=True)
class Source:
    """One configured account of a vendor.

    Attributes:
        name: Instance name: lower-case letters, digits, `_`, `-`; the vendor's name by default.
        vendor: Name of the vendor; `files` for exported files.
        streams: What is fetched over HTTP.
        url: Base URL; https, or http to loopback.
        headers: Sent with every request; holds the credentials, so it never appears in a text.
        variables: Names of the settings to check when the vendor refuses.
        start_at: Earliest change to fetch at the first fetch; None fetches the whole history.
        account: Asks the vendor for a name of the account; None: the URL's host is the account.
        concurrency: Streams read at the same time.
        spares: The share of the vendor's limit that is left to other tools of the account.
        reader: Fetches a source that is not read over HTTP, in place of `streams`: (source, landing, ids of
            batches that do not count as landed, progress); one result per stream, failures in
            `StreamResult.error`.
        checker: The health check of such a source.
        reread_days: Within how many days everything is read again of streams that have no news of deletions,
            and what may still change of streams that can be asked for what was created only.
    """

    name: str
    vendor: str
    streams: tuple[Stream, ...] = ()
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: tuple[str, ...] = ()
    start_at: datetime | None = None
    account: Callable[[Get], str | None] | None = None
    concurrency: int = 4
    spares: float = 0.0
    reader: Callable[[Source, Landing, Collection[str], Progress], Iterable[StreamResult]] | None = None
    checker: Callable[[Source], Iterable[Finding]] | None = None
    reread_days: int = 28
