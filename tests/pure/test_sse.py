"""The event-stream parser against the standard's rules, and cut at any byte."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.providers.sse import Event, Parser


def parse(*chunks: bytes) -> list[Event]:
    parser = Parser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        (b"data: a\n\n", [Event("a")]),
        (b"data:a\n\n", [Event("a")]),
        (b"data:  a\n\n", [Event(" a")]),
        (b"data: a\r\n\r\n", [Event("a")]),
        (b"data: a\r\r", [Event("a")]),
        (b"data: a\r\n\rdata: b\n\r\n", [Event("a"), Event("b")]),
        (b"\xef\xbb\xbfdata: a\n\n", [Event("a")]),
        (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
        (b": keep-alive\n\ndata: a\n\n", [Event("a")]),
        (b"data: a\n: in between\ndata: b\n\n", [Event("a\nb")]),
        (b"data\n\n", [Event("")]),
        (b"data: a\ndata\n\n", [Event("a\n")]),
        (b"event: error\ndata: a\n\ndata: b\n\n", [Event("a", "error"), Event("b")]),
        (b"event: lonely\n\n", []),
        (b"id: 7\ndata: a\n\ndata: b\n\n", [Event("a", id="7"), Event("b", id="7")]),
        (b"id: 7\n\nid: 8\0\ndata: a\n\n", [Event("a", id="7")]),
        (b"\n\n\ndata: a\n\n\n\ndata: b\n\n", [Event("a"), Event("b")]),
        (b"unknown: x\ndata: a\n\n", [Event("a")]),
        (b"data: \xff\n\n", [Event("\ufffd")]),
        (b"data: not ended\n", []),
        (b"", []),
    ],
)
def test_streams_are_read_as_the_standard_says(stream: bytes, expected: list[Event]):
    assert parse(stream) == expected
    assert parse(*(bytes([byte]) for byte in stream)) == expected


def test_the_reconnection_time_is_kept():
    parser = Parser()
    parser.feed(b"retry: 1500\ndata: a\n\nretry: soon\ndata: b\n\n")
    assert parser.retry == 1500


lines = st.sampled_from(
    [
        b"data: x",
        "data: héllo 🙂".encode(),
        b"data",
        b": c",
        b"event: e",
        b"id: 1",
        b"\xff",
        b"",
        b"",
    ]
)
ends = st.sampled_from([b"\n", b"\r", b"\r\n"])


@given(
    st.booleans(),
    st.lists(st.tuples(lines, ends), max_size=20),
    st.lists(st.integers(0, 300), max_size=12),
)
def test_where_a_stream_is_cut_does_not_matter(bom: bool, parts: list[tuple[bytes, bytes]], cuts):
    stream = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in parts)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(places)]
    assert parse(*chunks) == parse(stream)


@given(st.binary(max_size=300), st.integers(0, 300))
def test_any_bytes_are_survived(stream: bytes, cut: int):
    assert parse(stream[:cut], stream[cut:]) == parse(stream)


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 100, b"data: " + b"x" * 100 + b"\n\n"])
def test_an_event_beyond_the_cap_is_refused(chunk: bytes):
    with pytest.raises(ValueError, match="larger than 50 bytes"):
        Parser(max_event=50).feed(chunk)


def test_many_small_events_are_no_large_one():
    assert len(Parser(max_event=50).feed(b"data: x\n\n" * 100)) == 100


def test_a_large_event_in_small_pieces_is_found_once():
    """Two MiB in pieces of 64 bytes: looking at every byte again with each piece would not end."""
    parser = Parser()
    pieces = [b"data: ", *[b"x" * 63 + b" "] * 32_768, b"\n\n"]
    events = [event for piece in pieces for event in parser.feed(piece)]
    assert [len(event.data) for event in events] == [2 << 20]
