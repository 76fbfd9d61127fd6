"""Splitting, joining, compressing and rewriting logs never changes what comes out of them.

Seeded random events, good and bad ones that are JSON, are put into files in many ways; rows,
counts, reasons and all that is known must be those of one file with an event a line.
"""

import bz2
import gzip
import json
import lzma
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

import random_logs
from against_oracle import Files, ran
from conftest import Done

Run = Callable[..., Done]
Shape = Callable[[random.Random, list[bytes]], Files]

MARK = b"\xef\xbb\xbf"


def events_of(rng: random.Random) -> list[bytes]:
    """Random events, each of which costs itself alone wherever it stands."""
    share = rng.choice([0, random_logs.RARE_SHARE, 0.3])
    events = random_logs.random_events(rng, rng.choice([4, 12, 40]), share)
    return [event for event in events if is_typed(event)] or [b'{"type":"ORDER"}']


def is_typed(event: bytes) -> bool:
    """Whether a text is a JSON object with a `type`: a file of some of them is an event log."""
    if not event.startswith(b"{") or not random_logs.survives_on_one_line(event):
        return False
    return "type" in json.loads(event, parse_int=str)


def lines(events: list[bytes]) -> bytes:
    return b"".join(event + b"\n" for event in events)


def pieces(rng: random.Random, events: list[bytes]) -> list[list[bytes]]:
    """The events in a few slices, none of them empty."""
    count = min(len(events), rng.randint(2, 4))
    cuts = sorted(rng.sample(range(1, len(events)), count - 1)) if count > 1 else []
    return [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]


def one(data: bytes) -> Files:
    return [("log", data)]


def in_files(rng: random.Random, events: list[bytes]) -> Files:
    """Some in one file, some in another, some of them with marks."""
    some = pieces(rng, events)
    return [(f"log{n}", rng.choice([b"", MARK]) + lines(each)) for n, each in enumerate(some)]


def shuffled(rng: random.Random, events: list[bytes]) -> Files:
    return one(lines(rng.sample(events, len(events))))


def joined_without_line_breaks(rng: random.Random, events: list[bytes]) -> Files:
    return one(b"".join(lines(each).removesuffix(b"\n") for each in pieces(rng, events)))


def joined_with_marks(rng: random.Random, events: list[bytes]) -> Files:
    end = rng.choice([b"", b"\n", b"\r\n"])
    return one(b"".join(MARK + lines(each).strip() + end for each in pieces(rng, events)))


def with_commas(rng: random.Random, events: list[bytes]) -> Files:
    return one(b"".join(event + rng.choice([b",\n", b",,\r\n", b"\n,", b", "]) for event in events))


def on_one_line(rng: random.Random, events: list[bytes]) -> Files:
    return one(rng.choice([b"", b" ", b",", MARK]).join(events))


def pretty(rng: random.Random, events: list[bytes]) -> Files:
    return one(random_logs.pretty_run(rng, events))


def in_an_array(rng: random.Random, events: list[bytes]) -> Files:
    between = rng.choice([b",", b",\n", b", ", b" ,\r\n\r\n"])
    return one(b"[" + rng.choice([b"", b"\n"]) + between.join(events) + b"]")


def in_several_arrays(rng: random.Random, events: list[bytes]) -> Files:
    gap = rng.choice([b"", b"\n", MARK, b" \r\n" + MARK])
    return one(gap.join(b"[" + b",".join(each) + b"]" for each in pieces(rng, events)))


def in_pretty_arrays(rng: random.Random, events: list[bytes]) -> Files:
    return one(b"".join(random_logs.pretty_array(rng, each) for each in pieces(rng, events)))


def compressed(rng: random.Random, events: list[bytes]) -> Files:
    """In gzip once, twice, three times; of several members."""
    data = b"".join(gzip.compress(lines(each), mtime=0) for each in pieces(rng, events))
    for _ in range(rng.choice([0, 1, 1, 2])):
        data = gzip.compress(data, mtime=0)
    return one(data)


def compressed_otherwise(rng: random.Random, events: list[bytes]) -> Files:
    data = b"[" + b",\n".join(events) + b"]"
    ways: list[Callable[[bytes], bytes]] = [bz2.compress, lzma.compress, gzip.compress]
    for compress in rng.choices(ways, k=rng.randint(1, 3)):
        data = compress(data)
    return one(data)


def after_blank_lines(rng: random.Random, events: list[bytes]) -> Files:
    return one(MARK + b" \r\n\n\t\n" + MARK + lines(events))


SHAPES: list[Shape] = [
    in_files, shuffled, joined_without_line_breaks, joined_with_marks, with_commas, on_one_line,
    pretty, in_an_array, in_several_arrays, in_pretty_arrays, compressed, compressed_otherwise,
    after_blank_lines,
]  # fmt: skip


def outcome(run: Run, files: Files) -> tuple[int, dict[str, Any], Counter[tuple[str, str]]]:
    """The exit status, all of the JSON, and for what reasons events were rejected."""
    found = ran(run, files, 1000, {})
    reasons = Counter((each["reason"], each["member"]) for each in found.rejects)
    return found.done.status, found.result, reasons


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_shape_of_a_log_makes_no_difference(shape: Shape, run: Run):
    statuses = set()
    for seed in range(8):
        rng = random.Random(f"{shape.__name__} {seed}")
        events = events_of(rng)
        expected = outcome(run, one(lines(events)))
        files = shape(rng, events)
        assert outcome(run, files) == expected, f"seed {seed}: {files}"
        statuses.add(expected[0])
    assert 0 in statuses


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_the_shape_of_many_logs_makes_no_difference(shape: Shape, run: Run):
    for seed in range(1000, 1300):
        rng = random.Random(f"{shape.__name__} {seed}")
        events = events_of(rng)
        files = shape(rng, events)
        assert outcome(run, files) == outcome(run, one(lines(events))), f"seed {seed}: {files}"
