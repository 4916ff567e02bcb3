"""The merged chunks of a response say to an HTTP reader exactly what the response said."""

from __future__ import annotations

import itertools

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.dialects.chunked import ChunkMerger

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunked(*pieces: bytes, extension: bytes = b"") -> bytes:
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds) if start < end]


def merged(reads: list[bytes]) -> bytes:
    merger = ChunkMerger()
    return b"".join(merger.feed(read) for read in reads)


def heard(reads: list[bytes]) -> tuple[bytes, str]:
    """What h11, the reader below httpx, makes of the bytes: the body, and how it ended."""
    reader, body = h11.Connection(h11.CLIENT), b""
    reader.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
    reader.send(h11.EndOfMessage())
    try:
        for read in [*reads, b""]:
            reader.receive_data(read)
            while (event := reader.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
                if isinstance(event, h11.Data):
                    body += bytes(event.data)
                elif isinstance(event, h11.EndOfMessage):
                    return body, f"ended {event.headers.raw_items()}"
    except h11.RemoteProtocolError:
        return body, "refused"
    return body, "open"


def merged_reads(reads: list[bytes]) -> list[bytes]:
    merger = ChunkMerger()
    return [out for read in reads if (out := merger.feed(read))]


def test_the_chunks_of_one_read_become_one() -> None:
    assert merged([HEAD + chunked(b"a", b"bc", b"d") + END]) == HEAD + chunked(b"abcd") + END


def test_every_read_says_what_it_brought() -> None:
    merger = ChunkMerger()
    merger.feed(HEAD)
    assert merger.feed(b"5\r\nhel") == b"3\r\nhel\r\n"
    assert merger.feed(b"lo\r") == b"2\r\nlo\r\n"
    assert merger.feed(b"\n2") == b""
    assert merger.feed(b"\r\nya") == b"2\r\nya\r\n"


@given(
    st.lists(st.binary(min_size=1, max_size=40), max_size=12),
    st.lists(st.integers(0, 700), max_size=12),
    st.sampled_from([b"", b";a=b", b" "]),
    st.sampled_from([END, b"0\r\nx-trailer: 1\r\n\r\n", b""]),
)
def test_however_the_bytes_are_cut_the_reader_hears_the_same(
    pieces: list[bytes], places: list[int], extension: bytes, end: bytes
) -> None:
    data = HEAD + chunked(*pieces, extension=extension) + end
    reads = cut(data, places)
    assert heard(merged_reads(reads)) == heard([data]) == heard(reads)


@given(st.lists(st.integers(0, 400), max_size=6), st.integers(0, 200), st.binary(max_size=3))
def test_damaged_bytes_are_refused_or_heard_alike(places: list[int], at: int, damage: bytes) -> None:
    data = HEAD + chunked(b"one", b"two words", b"three") + END
    data = data[:at] + damage + data[at + len(damage) :]
    body, end = heard(merged_reads(cut(data, places)))
    plain_body, plain_end = heard([data])
    assert end == plain_end
    assert body.startswith(plain_body) or plain_body.startswith(body)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_anything_unusual_passes_as_it_came(head: bytes) -> None:
    data = head + chunked(b"a", b"b") + END
    assert merged([data]) == data
    assert merged([data[at : at + 1] for at in range(len(data))]) == data


def test_an_interim_response_is_passed_over() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    data = interim + HEAD + chunked(b"a", b"b") + END
    assert merged([data]) == interim + HEAD + chunked(b"ab") + END


@pytest.mark.parametrize("bad", [b"zz\r\n", b"5", b"-1\r\nx\r\n", b"1\nx\r\n", b"1" * 2000])
def test_what_is_no_chunk_is_left_to_the_reader(bad: bytes) -> None:
    reads = [HEAD + chunked(b"a", b"b") + bad]
    body, end = heard(merged_reads(reads))
    assert (body[:2], end) == (b"ab", heard(reads)[1])


def test_a_chunk_without_its_line_end_is_refused() -> None:
    assert heard(merged_reads([HEAD + b"1\r\naX1\r\nb\r\n" + END])) == (b"a", "refused")
