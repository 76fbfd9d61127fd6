"""A fuzz target: whatever bytes come, reading them is right, or the run fails in one line.

    python tests/fuzz.py [--seconds N] [--seed S] [--inputs N]

Inputs are seeded logs in every framing and compression (and the cases of `bad_corpus.py`),
changed at random. Each is read and ingested in this process, with chunks and first looks of
random sizes, and checked against `tests/oracle.py`:

- nothing is raised but the project's own errors, and a damaged file has a place in it;
- the counts add up;
- units, rejects and rows, or that the file is damaged, are what the oracle says;
- another reading in chunks of other sizes is equal (but for where and why a compressed file is
  damaged: its text may be found bad before its checksum is, or behind it; likewise with another
  first look at text that is wrong in two ways).

On the first difference the input is kept in a temporary directory, its name and the seed are
printed in one line, and the exit status is 1.
"""

# ruff: noqa: E402 - as a script it must find the program first

import argparse
import bz2
import json
import math
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.insert(0, str(TESTS.parent / "src"))

import bad_corpus
import ltv.reading.files
import ltv.reading.window
import oracle
import oracle_reading
import random_logs
from ltv.account import Account, EventLogs
from ltv.errors import REASONS, DamagedFileError, LTVError
from ltv.options import parse_options
from ltv.output.formats import reject_line, render
from ltv.reading.units import read_units
from ltv.report.summary import Summary
from LTV_Calculate import topXSimpleLTVCustomers, totals
from LTV_Classes import Customer
from LTV_Ingest import Ingest

LARGEST_SEED = 16 * 1024  # also when it is not compressed
LARGEST_INPUT = 64 * 1024
OPTIONS = parse_options(["1000"])


def put(path: Path, data: bytes) -> None:
    """Write a file anew; some file systems take their time to write over one."""
    path.unlink(missing_ok=True)
    path.write_bytes(data)


class Difference(Exception):  # noqa: N818
    """The program does not do with an input what it should."""


# --- One reading ------------------------------------------------------------------------------

Place = tuple[int, int, str, str | None]


@dataclass
class Outcome:
    """What came of one file: up to where it is damaged, if it is."""

    units: list[Place] = field(default_factory=list)  # line, offset, text, reason if it is no JSON
    damage: str | None = None
    place: tuple[int, int] | None = None  # of the damage
    counts: tuple[int, int] = (0, 0)  # accepted, rejected
    rejects: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    known: tuple[int, ...] = ()  # customers, visits, orders, images


def outcome_of(path: Path) -> Outcome:
    """Read and ingest one file. Raises Difference, for what neither reading may do."""
    outcome = Outcome()
    try:
        for unit in read_units(str(path)):
            reason = unit.error.reason if unit.error else None
            outcome.units.append((unit.line, unit.offset, unit.preview, reason))
    except DamagedFileError as error:
        if "\n" in str(error) or error.file != str(path):
            raise Difference(f"the failure is not one line about the file: {error}") from error
        outcome.damage, outcome.place = error.cause, (error.line, error.offset)
    ingest_into(outcome, path)
    return outcome


def ingest_into(outcome: Outcome, path: Path) -> None:
    """The second half of `outcome_of`: what becomes of the events."""
    D: dict[str, Customer] = {}
    lines: list[str] = []
    account = Account(lambda *reject: lines.append(reject_line(*reject)))
    try:
        Ingest(EventLogs([str(path)], account), D, errors=account, with_details=False)
    except DamagedFileError as error:
        check(outcome.damage == error.cause, "damaged when ingested otherwise than when read")
    else:
        check(outcome.damage is None, "damaged when read, but not when ingested")
    check(account.read == len(outcome.units), "another number of events when ingested")
    check(account.read == account.accepted + account.rejected, "the counts do not add up")
    check(account.rejected == len(lines), "not a line for each reject")
    check(account.rejected == sum(account.reasons.values()), "not a reason for each reject")
    outcome.counts = account.accepted, account.rejected
    outcome.rejects = [json.loads(line) for line in lines]
    for reject in outcome.rejects:
        check(bool(reject.pop("message")), "a reject without a message")
        check(reject["reason"] in REASONS, "a reason that is none")
        check(reject.pop("file") == str(path), "a reject of another file")
    if D and outcome.damage is None:
        found = totals(D)
        counts = {"read": account.read, "accepted": account.accepted, "rejected": account.rejected}
        top = topXSimpleLTVCustomers(1000, D)
        summary = Summary("USD", OPTIONS.lifespan, found, counts)
        text = b"".join(render("json", top, summary)).decode("utf-8")
        outcome.rows = json.loads(text, parse_float=str)["top"]
        outcome.known = (found.customers, found.visits, found.orders, found.images)


def check(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Difference(otherwise)


# --- What is expected -------------------------------------------------------------------------


def expected_of(data: bytes) -> Outcome:
    """What the oracle says of a file with these bytes; of a damaged one no more than that."""
    outcome = Outcome()
    try:
        units = oracle.units("file", data)
    except oracle.Failure as failure:
        outcome.damage = str(failure)
        return outcome
    outcome.units = [(unit.line, unit.offset, unit.text[:1000], unit.problem) for unit in units]
    sorting = oracle.Sorting("USD", None)
    for unit in units:
        sorting.add("file", unit)
    counts = sorting.counts()
    outcome.counts = counts["accepted"], counts["rejected"]
    outcome.rejects = sorting.rejects
    for reject in outcome.rejects:
        del reject["file"]
    if sorting.accepted:
        result = oracle.result_of(sorting, 1000, oracle.Fraction(10))
        outcome.rows = result.rows
        outcome.known = (result.customers, result.visits, result.orders, result.images)
    return outcome


#: The oracle knows UTF-16 by its byte-order mark alone, the program also by zeros.
LIKE_UTF_16 = re.compile(
    rb"\x00\x00\xfe\xff|[^\x00]\x00[^\x00]\x00|\x00[^\x00]\x00[^\x00]", re.DOTALL
)


def is_known_difference(data: bytes) -> bool:
    """Whether the program may call damaged what the oracle does not."""
    try:
        return LIKE_UTF_16.match(oracle_reading.uncompressed("file", data)) is not None
    except oracle.Failure:
        return False


def compare(outcome: Outcome, data: bytes) -> None:
    """Raises Difference unless the outcome of these bytes is what the oracle says."""
    expected = expected_of(data)
    if (outcome.damage is None) != (expected.damage is None):
        if outcome.damage is not None and is_known_difference(data):
            return
        raise Difference(f"damage: {outcome.damage!r}, the oracle: {expected.damage!r}")
    if outcome.damage is not None:
        return
    for name in ("units", "counts", "rejects", "rows", "known"):
        found, wanted = getattr(outcome, name), getattr(expected, name)
        if found != wanted:
            raise Difference(f"{name}: {found!r}, the oracle: {wanted!r}")


def check_place(outcome: Outcome, data: bytes) -> None:
    """Raises Difference unless the place of a damage, if there is one, is a place in the text."""
    if outcome.place is None:
        return
    line, offset = outcome.place
    if (line, offset) == (0, 0):  # of the whole: another kind of file, a wrapper
        check("not an event log" in (outcome.damage or ""), "no place of a damage")
        return
    check(line >= 1 and offset >= 0, "a place before the file")
    if not is_compressed(data):
        check(offset <= len(data), "a place behind the end of the file")
        check(line == 1 + data.count(b"\n", 0, offset), "line and offset are two places")


def text_length(data: bytes) -> int:
    """About how long the text is that is in a file."""
    if len(data) > LARGEST_INPUT:
        return len(data)
    try:
        return max(len(data), len(oracle_reading.uncompressed("file", data)))
    except oracle.Failure:
        return len(data)


def is_compressed(data: bytes) -> bool:
    return any(data.startswith(signature) for signature, _ in oracle_reading.COMPRESSIONS)


@contextmanager
def sizes(chunk_bytes: int, first_look: int) -> Iterator[None]:
    """Read in chunks of another size, and look at events in other slices at first."""
    before = ltv.reading.files.CHUNK_BYTES, ltv.reading.window.FIRST_LOOK
    ltv.reading.files.CHUNK_BYTES, ltv.reading.window.FIRST_LOOK = chunk_bytes, first_look
    try:
        yield
    finally:
        ltv.reading.files.CHUNK_BYTES, ltv.reading.window.FIRST_LOOK = before


def random_sizes(rng: random.Random) -> tuple[int, int]:
    small = rng.choice([1, 2, 3, 5, 7, 16, 64])
    chunk_bytes = rng.choice([small, rng.randint(1, 300), rng.randint(300, 5000), 256 * 1024])
    return chunk_bytes, rng.choice([1, 2, 3, 8, rng.randint(1, 200), rng.randint(200, 2000), 1024])


def examine(path: Path, data: bytes, rng: random.Random) -> Outcome:
    """Everything that this file checks, for one input. Raises Difference."""
    put(path, data)
    outcomes = []
    looks = [random_sizes(rng)[1]] * 2 if rng.random() < 0.5 else [1024, random_sizes(rng)[1]]
    for first_look in looks:
        chunk_bytes, _ = random_sizes(rng)
        with sizes(max(chunk_bytes, text_length(data) // 2000), first_look):
            try:
                outcomes.append(outcome_of(path))
            except LTVError as error:
                raise Difference(f"raised where it should not be: {error!r}") from error
    first, second = outcomes
    check_place(first, data)
    both_damaged = first.damage is not None and second.damage is not None
    is_equal = first == second
    if both_damaged and (is_compressed(data) or looks[0] != looks[1]):
        is_equal = True
    check(is_equal, f"read otherwise in other chunks: {first!r} and {second!r}")
    compare(first, data)
    return first


# --- Inputs -----------------------------------------------------------------------------------

COMPRESSIONS: list[Callable[[bytes], bytes]] = [
    bytes,
    random_logs.gzip_member,
    bz2.compress,
    random_logs.xz_member,
]


def corpus(rng: random.Random) -> list[bytes]:
    """Logs, good and bad, in every framing; and the cases of `bad_corpus.py` that are small."""
    seeds = [b"", b"[]", b"\xef\xbb\xbf"]
    for framing in random_logs.FRAMINGS + random_logs.JOINED_FRAMINGS:
        for count in (1, 3, 12):
            events = random_logs.random_events(rng, count)
            if framing in random_logs.ONE_LINE_FRAMINGS:
                events = [event for event in events if random_logs.survives_on_one_line(event)]
            seeds.append(framing(rng, events))
        good = [
            random_logs.rendered(
                rng,
                random_logs.without_surrogates(
                    random_logs.good_members(rng, random_logs.INSTANTS[:4])
                ),
            )
            for _ in range(4)
        ]
        seeds.append(framing(rng, [event for event in good if b"\n" not in event]))
    plain = [seed for seed in seeds if len(seed) <= LARGEST_SEED]
    packed = [compress(seed) for seed in plain[-12:] for compress in COMPRESSIONS[1:]]
    packed += [random_logs.compressed(rng, seed) for seed in plain[-24:-12]]
    return plain + packed + small_cases()


@cache
def small_cases() -> list[bytes]:
    """Return the files of `bad_corpus.py` that are small, which takes a while to find out."""
    files = [case.data for _, case in sorted(bad_corpus.all_cases().items())]
    return [data for data in files if text_length(data) <= LARGEST_SEED]


TOKENS = [
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x0b",
    b"null", b"true", b"false", b"NaN", b"Infinity", b"-Infinity", b"-0", b"1e3", b"0.10", b"-",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xe2\x80\xa8",
    b"\xc2\xa0", b"\xf0\x9f\x98\x80", b"\\ud800", b"\\u0000", b"\\n", b"{}", b"[]", b"{{", b"}}",
    b"},{", b"},\n{", b"}\n{", b"}{", b"\n]", b"\n{", b"[\n{", b"[" * 257, b'{"a":' * 257,
    b"9" * 30, b"\x1f\x8b", b"BZh9", b"\xfd7zXZ\x00", b"\x00" * 4,
    b'{"type":"ORDER"}', b'{"type":', b'"type"', b'"verb"', b'"key"', b'"event_time"',
    b'"customer_id"', b'"total_amount"', b'"last_name"', b'"tags"', b"CUSTOMER", b"SITE_VISIT",
    b"IMAGE", b"ORDER", b"NEW", b"UPDATE", b"UPLOAD", b"USD", b"EUR", b"$", b"2017-01-01",
    b"T00:00:00Z", b"+01:00", b"1969-12-31", b"2200-01-01", b"1,234.50", b" UTC", b"+01", b"305.0",
    b"}][{", b"]\n[", b"}{", b"}\xef\xbb\xbf{", b'{"events":[', b'{"events":[\n', b"\\n{", b"# x\n",
    b"<", b'"currency"', b'"EUR"', b'"$"', b'{"$oid":"c1"}', b'{"$date":0}',
    b'{"$numberDecimal":"1.5"}', b"0.30000000000000004", b"PK\x03\x04", b"[INFO] ", b",\n", b",,",
    b"\xe2\x80\xaf", b"us$",
]  # fmt: skip


def flip_bit(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def change_byte(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def insert_bytes(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice([1, 1, 1, 2, 4, 16])) + data[at:]


def insert_token(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randint(0, len(data))
    behind = at + rng.choice([0, 0, 0, 1, 3])
    return data[:at] + rng.choice(TOKENS) + data[behind:]


def some_part(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.choice([1, 1, 2, 5, 20, 100, 1000]))


def delete(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = some_part(rng, data)
    return data[:start] + data[end:]


def duplicate(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = some_part(rng, data)
    times = rng.choice([1, 1, 1, 2, 10]) + 1
    return data[:start] + data[start:end] * times + data[end:]


def move(rng: random.Random, data: bytes, other: bytes) -> bytes:
    start, end = some_part(rng, data)
    at = rng.randint(0, len(data))
    return data[:at] + data[start:end] + data[at:]


def cut(rng: random.Random, data: bytes, other: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] if rng.random() < 0.7 else data[at:]


def splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def swap_lines(rng: random.Random, data: bytes, other: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    first, second = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"".join(lines)


MUTATIONS = [
    flip_bit, change_byte, insert_bytes, insert_token, insert_token, insert_token, delete,
    duplicate, move, cut, splice, swap_lines,
]  # fmt: skip


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """A seed changed a few times; now and then compressed, and then perhaps changed again."""
    data = rng.choice(seeds)
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 4, 12])):
        data = rng.choice(MUTATIONS)(rng, data or b"{", rng.choice(seeds))[:LARGEST_INPUT]
    if rng.random() < 0.15:
        data = rng.choice(COMPRESSIONS)(data)
        if rng.random() < 0.4:
            data = rng.choice(MUTATIONS)(rng, data or b"{", rng.choice(seeds))
    return data


# --- The command ------------------------------------------------------------------------------


@dataclass
class Tally:
    """What a number of inputs came to."""

    inputs: int = 0
    damaged: int = 0
    rejecting: int = 0


def fuzz(
    directory: Path, seed: int, *, inputs: float = math.inf, seconds: float = math.inf
) -> Tally:
    """Examine so many inputs, or for so long. Raises Difference, with the input in `directory`.

    Each input has a random generator of its own, so that the seed and its number make it again.
    """
    seeds = corpus(random.Random(seed))
    end = time.monotonic() + seconds  # not of what it took to make those
    tally = Tally()
    path = directory / "input"
    while tally.inputs < inputs and time.monotonic() < end:
        rng = random.Random(f"{seed}/{tally.inputs}")
        data = mutated(rng, seeds)
        try:
            outcome = examine(path, data, rng)
        except Exception as error:  # whatever it is, it is what is looked for
            kept = directory / f"input-{seed}-{tally.inputs}"
            path.replace(kept)
            why = str(error) if isinstance(error, Difference) else f"raised {error!r}"
            raise Difference(f"{kept}: seed {seed}, input {tally.inputs}: {why}") from error
        tally.inputs += 1
        tally.damaged += outcome.damage is not None
        tally.rejecting += outcome.damage is None and bool(outcome.rejects)
    return tally


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Read random inputs, and compare with the oracle.")
    parser.add_argument("--seconds", type=float, default=120, help="how long (default: 120)")
    parser.add_argument("--seed", type=int, default=None, help="default: another one each time")
    parser.add_argument("--inputs", type=int, default=math.inf, help="stop after so many")
    options = parser.parse_args(argv)
    seed = random.SystemRandom().randrange(10**9) if options.seed is None else options.seed
    directory = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        tally = fuzz(directory, seed, inputs=options.inputs, seconds=options.seconds)
    except Difference as difference:
        print(ascii(str(difference))[1:-1][:2000])
        return 1
    (directory / "input").unlink(missing_ok=True)
    directory.rmdir()
    print(
        f"{tally.inputs:,} inputs with seed {seed}: {tally.damaged:,} damaged, "
        f"{tally.rejecting:,} with rejects, no difference"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
