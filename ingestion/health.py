"""Whether a source can be read: one line per stream, with what to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from ingestion.http import Client, FetchError
from ingestion.records import Decoder
from ingestion.streams import Finding, Source


def check(
    source: Source, *, sleep: Callable[[float], object] = time.sleep, now: datetime | None = None
) -> list[Finding]:
    """Whether a source can be reached and each of its streams be read, by one cheap request each."""
    if source.checker:
        return list(source.checker(source))
    findings: list[Finding] = []
    since = (now or datetime.now(UTC)) - timedelta(minutes=10)
    examples: dict[str, str] = {}
    try:
        client = Client(source.url, source.headers, source.variables, sleep=sleep, attempts=2)
    except FetchError as error:
        return [Finding(source.name, "address", False, str(error))]
    with client:
        # Lists first: their answers tell the vendor's clock, and an export refuses a start in its future.
        for stream in sorted(source.streams, key=lambda stream: not stream.is_list):
            path = stream.path
            if stream.partitions:
                example = next((examples[name] for name in stream.after if name in examples), None)
                if example is None:
                    findings.append(Finding(source.name, stream.name, True, "nothing to try it with yet"))
                    continue
                path = path.format(partition=quote(example, safe=""))
            decoder = Decoder(stream)
            params = {**stream.params, **stream.paging.params(stream.paging.start(since))}
            try:
                decoded, answer = client.get(path, params, decoder.decode)
            except FetchError as error:
                if stream.optional and error.status in (403, 404):
                    text = f"not part of this plan, or not allowed ({error.status}): left out"
                    findings.append(Finding(source.name, stream.name, True, text))
                    continue
                findings.append(Finding(source.name, stream.name, False, str(error)))
                if error.status is None or error.status == 401:
                    return findings
                continue
            since = answer.date - timedelta(minutes=10)
            if found := [each for each in decoded.ids if each is not None]:
                examples[stream.name] = found[0]
            text = f"readable; the vendor's clock says {answer.date:%Y-%m-%dT%H:%M:%SZ}"
            findings.append(Finding(source.name, stream.name, True, text))
    return findings
