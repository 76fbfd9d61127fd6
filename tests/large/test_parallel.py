"""A run in parts, by processes, does what a run in one piece does: to the byte."""

import bz2
import contextlib
import gc
import gzip
import itertools
import json
import lzma
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import fuzz
import ltv.customers
import ltv.parallel.driver
import ltv.parallel.parts
import ltv.reading.files
import ltv.reading.layouts
import Main_Calculation
import make_log
import random_logs
from conftest import SOURCES, TINY_SIZES, UNMEASURED, Done, environment_with
from ltv.parallel.driver import ShardedCustomers
from ltv.reading.general import GeneralMatcher
from LTV_Classes import without_collecting

#: What a pipe holds though nobody reads it.
PIPE_BYTES = 60_000

NEWLINE = b"\n"

#: The files of a run.
RESULTS = ("out.csv", "out.html", "out.json", "out.txt")
OUTPUTS = (*RESULTS, *(f"{name}.rejects.jsonl" for name in RESULTS))


class Outcome(NamedTuple):
    """What a run came to, and what files it left."""

    status: int
    out: str
    err: str
    files: dict[str, bytes]


class Seen:
    """What was done in a run of the large way; of the matches, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clear()
        checked, keep = (
            ltv.parallel.driver.ShardedCustomers._checked,
            ltv.parallel.driver.ShardedCustomers._keep,
        )
        match = ltv.reading.layouts.Matcher.match
        task_of = ltv.parallel.driver.ShardedCustomers._task

        def counting_task(run: Any, *arguments: Any) -> Any:
            self.tasks += 1
            return task_of(run, *arguments)

        def counting_checked(run: Any, *arguments: Any) -> Any:
            parts = checked(run, *arguments)
            self.fallbacks += parts is None
            return parts

        def counting_keep(run: Any, *arguments: Any) -> None:
            self.parts += 1
            keep(run, *arguments)

        def counting_match(
            matcher: ltv.reading.layouts.Matcher, text: bytes
        ) -> ltv.reading.layouts.Match:
            found = match(matcher, text)
            self.matched += found.events
            return found

        match_generally = GeneralMatcher.match

        def counting_general_match(
            matcher: GeneralMatcher, text: bytes, **framing: bool
        ) -> ltv.reading.layouts.Match:
            found = match_generally(matcher, text, **framing)
            self.matched += found.events
            return found

        monkeypatch.setattr(ShardedCustomers, "_task", counting_task)
        monkeypatch.setattr(ShardedCustomers, "_checked", counting_checked)
        monkeypatch.setattr(ShardedCustomers, "_keep", counting_keep)
        monkeypatch.setattr(ltv.reading.layouts.Matcher, "match", counting_match)
        monkeypatch.setattr(GeneralMatcher, "match", counting_general_match)

    def clear(self) -> None:
        self.tasks = 0
        self.parts = 0  # that count
        self.fallbacks = 0  # files that were cut wrongly
        self.matched = 0  # events


class Ways:
    """Runs the program in this process, in one piece or in tiny parts."""

    def __init__(
        self,
        directory: Path,
        capfd: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        self.directory = directory
        self.seen = Seen(monkeypatch)
        self._capfd = capfd
        self._monkeypatch = monkeypatch

    def put(self, name: str, data: bytes) -> str:
        fuzz.put(self.directory / name, data)
        return name

    def _run(self, arguments: tuple[object, ...], stdin: bytes | None) -> Outcome:
        for name in OUTPUTS:
            (self.directory / name).unlink(missing_ok=True)
        self._capfd.readouterr()
        with contextlib.ExitStack() as stack:
            if stdin is not None:
                assert len(stdin) <= PIPE_BYTES
                reading, writing = os.pipe()
                stack.enter_context(open(reading))
                os.write(writing, stdin)
                os.close(writing)
                patch = stack.enter_context(self._monkeypatch.context())
                patch.setattr(sys, "stdin", open(reading, closefd=False))  # noqa: SIM115
            status = Main_Calculation.main([*map(str, arguments)])
        out, err = self._capfd.readouterr()
        paths = [self.directory / name for name in OUTPUTS]
        files = {path.name: path.read_bytes() for path in paths if path.exists()}
        return Outcome(status, out, err, files)

    def small(self, *arguments: object, stdin: bytes | None = None) -> Outcome:
        """In one piece, every event by the full path."""
        with self._monkeypatch.context() as patch:
            patch.setattr(ltv.customers, "is_large", lambda files: False)
            return self._run(arguments, stdin)

    def large(
        self,
        *arguments: object,
        stdin: bytes | None = None,
        workers: int = 1,
        part_bytes: int = 300,
        chunk_bytes: int = ltv.reading.files.CHUNK_BYTES,
    ) -> Outcome:
        """In tiny parts."""
        self.seen.clear()
        temp = self.directory / "temp"
        temp.mkdir(exist_ok=True)
        with self._monkeypatch.context() as patch:
            for module, name, value in TINY_SIZES:
                patch.setattr(module, name, value)
            patch.setattr(ltv.parallel.driver, "_LEAST_PART_BYTES", part_bytes)
            patch.setattr(ltv.parallel.driver, "_MOST_PART_BYTES", part_bytes)
            patch.setattr(ltv.parallel.parts, "_BLOCK_BYTES", part_bytes)
            patch.setattr(ltv.reading.files, "CHUNK_BYTES", chunk_bytes)
            more = ("--workers", workers, "--temp", temp)
            outcome = self._run((*arguments, *more), stdin)
        assert os.listdir(temp) == []
        return outcome

    def compare(self, *arguments: object, **more: Any) -> Outcome:
        """Both ways; returns what came of both."""
        expected = self.small(*arguments, stdin=more.get("stdin"))
        assert self.large(*arguments, **more) == expected
        return expected


@pytest.fixture
def ways(in_tmp: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ways:
    monkeypatch.setattr("os.fsync", lambda descriptor: None)  # hundreds of them take their time
    return Ways(in_tmp, capfd, monkeypatch)


def order(number: int, **members: object) -> str:
    """One event as JSON."""
    event = {
        "type": "ORDER",
        "verb": "NEW",
        "key": f"o{number}",
        "event_time": f"2017-01-{number % 28 + 1:02}T10:00:00.000Z",
        "customer_id": f"c{number % 7}",
        "total_amount": f"{number}.50 USD",
    }
    return json.dumps(event | members)


def orders(count: int) -> list[str]:
    return [order(number) for number in range(count)]


def read_of(outcome: Outcome) -> int:
    """How many events were read, as the run says."""
    begin = "Read "
    assert outcome.err.startswith(begin), outcome.err
    return int(outcome.err[len(begin) :].split(" event")[0].replace(",", ""))


# --- Random logs ------------------------------------------------------------------------------


def random_events(rng: random.Random) -> list[bytes]:
    """Of many layouts, of a few, or a few with others between."""
    count = rng.choice([5, 30, 80])
    odd: list[bytes] = random_logs.random_events(rng, count)
    regular = [text.encode() for text in make_log.events(3 * count, 9, rng.randrange(99))]
    way = rng.random()
    if way < 0.3:
        return odd
    if way < 0.5:
        return regular
    for event in odd[: rng.randrange(count)]:
        regular.insert(rng.randrange(len(regular)), event)
    return regular


def random_log(rng: random.Random, framing: Callable[..., bytes], *, is_hurt: bool) -> bytes:
    """The bytes of a log, before it is compressed."""
    events = random_events(rng)
    if framing in random_logs.ONE_LINE_FRAMINGS:
        events = [event for event in events if random_logs.survives_on_one_line(event)]
    data: bytes = framing(rng, events)
    if not is_hurt:
        return data
    way = rng.random()
    place = rng.randrange(len(data) + 1)
    if way < 0.3:
        return data[:place]
    changed = bytes([rng.choice([*b'{}[],:"\\ \n\r\x00\xff', rng.randrange(256)])])
    return data[:place] + changed + data[place + int(way < 0.7) :]


OPTIONS = [
    [],
    ["--since", "2017-01-03"],
    ["--until", "2017-01-08"],
    ["--until", "2016-12-31"],
    ["--currency", "EUR"],
    ["--strict"],
    ["--max-rejects", "3"],
    ["--max-rejects", "3", "--since", "2017-01-02", "--until", "2017-06-30"],
    ["-q", "--lifespan", "2.5"],
]
COMPRESSIONS = [bytes, bytes, random_logs.gzip_member, bz2.compress, random_logs.xz_member]


def random_run(rng: random.Random, ways: Ways, framing: Callable[..., bytes]) -> Iterator[Outcome]:
    """A run of random files with random options both ways; yields what came of it, if the same."""
    arguments: list[object] = [rng.choice([1, 3, 1000])]
    stdin = None
    for number in range(rng.choice([1, 1, 2, 3])):
        other = rng.choice(random_logs.FRAMINGS)
        data = random_log(rng, other if number else framing, is_hurt=rng.random() < 0.25)
        data = rng.choice(COMPRESSIONS)(data)
        if stdin is None and len(data) < PIPE_BYTES and rng.random() < 0.25:
            stdin = data
            arguments.append("-")
        else:
            arguments.append(ways.put(f"log-{number}", data))
    output = rng.choice(["out.csv", "out.html", "out.json", "out.txt", "-"])
    arguments += ["-o", output, *rng.choice(OPTIONS)]
    yield ways.compare(
        *arguments,
        stdin=stdin,
        workers=rng.choice([1] * 9 + [2, 3]),
        part_bytes=rng.choice([40, 300, 300, 1500]),
        chunk_bytes=rng.choice([64, 200, 1000, ltv.reading.files.CHUNK_BYTES]),
    )


def compare_many(ways: Ways, framing: Callable[..., bytes], seeds: range) -> None:
    statuses = set()
    parts = matched = fallbacks = 0
    for seed in seeds:
        rng = random.Random(f"{framing.__name__} {seed}")
        try:
            for outcome in random_run(rng, ways, framing):
                statuses.add(outcome.status)
        except BaseException as error:
            error.add_note(f"{framing.__name__}, seed {seed}")
            raise
        parts += ways.seen.parts
        matched += ways.seen.matched
        fallbacks += ways.seen.fallbacks
    assert {0} < statuses <= {0, 1, 3}
    assert parts > len(seeds)
    assert matched >= len(seeds)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("rejects", [[], ["--rejects", "out.txt.rejects.jsonl"]])
def test_the_first_reject_is_named_with_its_line(workers: int, rejects: list[str], ways: Ways):
    lines = ["", *orders(60), order(60, event_time="now"), "", "oh", *orders(20), "{}"]
    files = [
        ways.put("good", "\n".join(orders(30)).encode()),
        ways.put("bad.gz", gzip.compress("\n".join(lines).encode())),
        ways.put("bad", "\n".join(lines).encode()),
        ways.put("array", b"[%b]" % ",\n".join([*orders(30), "{}"]).encode()),
    ]
    arguments = [1, "-q", "-o", "-", *rejects, "--max-rejects"]
    for first, place in ((1, "bad.gz, line 62: bad-time"), (3, "array, line 31: missing")):
        some = [files[0], *files[first:]]
        outcome = ways.compare(*arguments, 0, *some, workers=workers)
        assert outcome.status == 3
        assert f" --max-rejects allows 0; the first: {place}: " in outcome.err
    assert ways.compare(*arguments, 7, *files, workers=workers).status == 0


EACH_FRAMING = pytest.mark.parametrize("framing", random_logs.FRAMINGS)


@EACH_FRAMING
def test_random_logs(framing: Callable[..., bytes], ways: Ways):
    compare_many(ways, framing, range(20, 24))


@pytest.mark.slow
@EACH_FRAMING
def test_many_random_logs(framing: Callable[..., bytes], ways: Ways):
    compare_many(ways, framing, range(1000, 1100))


# --- Cuts -------------------------------------------------------------------------------------


def framed(texts: list[str], framing: str) -> bytes:
    between = {"lines": "\n", "array": ",\n", "one-line-array": ", ", "run": ",\n\n"}[framing]
    is_array = framing.endswith("array")
    if framing == "run":  # one event a line but for the first, or it would be JSON Lines
        texts = [texts[0][:-1] + "\n}", *texts[1:]]
    return ("[" * is_array + between.join(texts) + "]" * is_array).encode()


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("framing", ["lines", "array", "one-line-array", "run"])
def test_many_parts_are_read_once_each(framing: str, workers: int, ways: Ways):
    data = framed(orders(300), framing)
    log = ways.put("log", data)
    outcome = ways.compare(1000, log, "-o", "out.json", workers=workers)
    assert outcome.status == 0
    assert read_of(outcome) == 300
    assert ways.seen.fallbacks == 0
    assert ways.seen.parts > len(data) // 600
    if workers == 1:
        assert ways.seen.matched > 120


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
@pytest.mark.parametrize("framing", ["lines", "array", "one-line-array", "run"])
def test_what_is_compressed_or_piped(framing: str, compress: Callable[[bytes], bytes], ways: Ways):
    data = compress(framed(orders(300), framing))
    outcome = ways.compare(9, "-", "-o", "out.csv", stdin=data, chunk_bytes=500, workers=2)
    assert read_of(outcome) == 300
    assert ways.seen.parts > 10 or framing != "lines"
    log = ways.put("log", data)
    assert ways.compare(9, log, "-o", "out.csv", chunk_bytes=500, workers=2).files == outcome.files
    assert ways.seen.parts > 10 or framing != "lines"
    assert ways.compare(9, log, log, "-o", "out.csv", workers=2).files == outcome.files


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("compress", [gzip.compress, bytes])
def test_many_small_files_are_read_together(
    compress: Callable[[bytes], bytes], workers: int, ways: Ways
):
    """Whatever their framing, with their own rejects, up to the first that is damaged."""
    (ways.directory / "logs").mkdir()
    for number in range(30):
        lines = [*orders(3), "no event", *orders(9)[number % 3 :]]
        framing = ("lines", "array", "run")[number % 3]
        ways.put(f"logs/{number:02}", compress(framed(lines, framing)))
    many = {"part_bytes": 40_000, "workers": workers}
    outcome = ways.compare(9, "logs", "-o", "out.json", **many)
    assert read_of(outcome) == 30 * 12
    assert ways.seen.parts == 30
    assert 1 < ways.seen.tasks < 10
    for number in (25, 20):
        ways.put(f"logs/{number:02}", compress(framed(orders(number), "array").rstrip(b"]\n")))
    assert "logs/20: " in ways.compare(9, "logs", "-o", "out.json", **many).err


@pytest.mark.parametrize("framing", ["array", "one-line-array", "run"])
def test_a_cut_in_what_only_looks_like_an_event_is_found_out(framing: str, ways: Ways):
    """The tags of visits have events' first member, and stand between braces as events do."""
    gap = " " if framing == "one-line-array" else "\n"
    tags = f",{gap}".join(f'{{"type": "{"x" * 20}{number}"}}' for number in range(40))
    visit = order(1, type="SITE_VISIT")[:-1] + f', "tags": [{gap}{tags}{gap}]}}'
    log = ways.put("log", framed([*orders(9), visit, *orders(9), visit, *orders(9)], framing))
    outcome = ways.compare(9, log, "-o", "out.json")
    assert read_of(outcome) == 29
    assert ways.seen.fallbacks == 1
    assert ways.seen.parts == 1
    more = ways.put("more", framed(orders(30), framing))
    ways.compare(9, more, log, more, "-o", "out.json", workers=2)
    assert ways.seen.fallbacks == 1
    assert ways.seen.parts > 10


def test_a_wrong_cut_behind_which_the_file_is_damaged(ways: Ways):
    """What is wrong with the part that begins in the wrong place is not what is told."""
    tags = ",\n".join(f'{{"type": "{number:030}"}}' for number in range(40))
    visit = order(1, type="SITE_VISIT")[:-1] + f', "tags": [\n{tags}\n]}}'
    data = framed([*orders(9), visit, *orders(9)], "array") + b"x"
    outcome = ways.compare(9, ways.put("log", data), "-o", "out.json")
    place = f"log: line {1 + data.count(NEWLINE)}, byte offset {len(data) - 1:,}"
    assert outcome.err == (
        f"Main_Calculation.py: {place}: expected nothing but another array after the closing ] "
        "of an array\n"
    )
    assert ways.seen.fallbacks == 1


BREAKS = ["\n", "\r\n", "\n\n\n", "\r\n \t\r\n\r\n", "\n" + " " * 500 + "\n", "\n" * 900]


@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\r\n\n"])
@pytest.mark.parametrize("line_break", BREAKS, ids=range(len(BREAKS)))
@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "piped"])
def test_lines_are_counted_across_parts(is_piped: bool, line_break: str, mark: str, ways: Ways):
    texts = [order(number, verb="BAD" if number % 4 == 1 else "NEW") for number in range(160)]
    rare = line_break if len(line_break) > 400 else ""
    common = "\n" if rare else line_break
    text = mark + common.join(text + rare * (n % 30 == 5) for n, text in enumerate(texts)) + common
    data = text.encode()
    log = ("-", {"stdin": data}) if is_piped else (ways.put("log", data), {})
    outcome = ways.compare(9, log[0], "-o", "out.json", chunk_bytes=177, **log[1])
    rejects = map(json.loads, outcome.files["out.json.rejects.jsonl"].splitlines())
    places = [(reject["line"], reject["offset"], reject["text"]) for reject in rejects]
    bad = [event for event in texts if "BAD" in event]
    offsets = [data.index(event.encode()) for event in bad]
    lines = [1 + data.count(b"\n", 0, offset) for offset in offsets]
    assert places == list(zip(lines, offsets, bad, strict=True))
    assert ways.seen.fallbacks == 0
    assert ways.seen.parts > 20


@pytest.mark.parametrize("framing", ["lines", "array", "run"])
def test_damage_far_behind_is_told_with_its_line(framing: str, ways: Ways):
    pretty = [json.dumps(json.loads(text), indent=1) for text in orders(100)]
    pretty[80] = pretty[80].replace('"verb":', '"verb",')
    texts = orders(80) if framing == "lines" else pretty
    data = framed(texts, framing)
    if framing == "lines":
        data = gzip.compress(data)[:-3]
    outcome = ways.compare(9, ways.put("log", data), "-o", "out.json", chunk_bytes=500)
    assert outcome.status == 1
    if framing == "lines":
        assert outcome.err.endswith("the gzip stream is cut off\n")
    else:
        line = 1 + data.count(b"\n", 0, data.index(b'"verb",'))
        assert f"log: line {line:,}, byte offset " in outcome.err
        begin = 1 + data.count(b"\n", 0, data.index(pretty[80].encode()))
        assert f"in the event that begins on line {begin:,}: " in outcome.err


@pytest.mark.parametrize("is_piped", [False, True], ids=["file", "piped"])
@pytest.mark.parametrize("mark", ["", "\ufeff", "\ufeff\n"])
@pytest.mark.parametrize("count", [1, 98, 99, 100, 101, 250])
def test_a_begin_without_any_event(count: int, mark: str, is_piped: bool, ways: Ways):
    """An event log has to show within 100 units that it is one, however it is cut."""
    data = (mark + '{"a": "no event"}\n' * count + "\n".join(orders(20)) + "\n").encode()
    stdin = data if is_piped else None
    log = "-" if is_piped else ways.put("log", data)
    for part_bytes in (40, 300, 18 * 100, 18 * 100 + 4):
        outcome = ways.compare(
            9, log, "-o", "out.json", stdin=stdin, part_bytes=part_bytes, chunk_bytes=50
        )
        assert outcome.status == (count >= 100)
        assert ("not an event log" in outcome.err) == (count >= 100)


def test_a_part_without_events_is_none_of_another_file(ways: Ways):
    """Files of which nothing is read do not stand in the way of others."""
    empty, blank = ways.put("empty", b""), ways.put("blank", b"\n \r\n" * 300)
    nothing = ways.put("nothing", b"[" + b"\n" * 900 + b"]")
    log = ways.put("log", framed(orders(40), "array"))
    for files in islice(itertools.permutations([empty, blank, nothing, log]), 0, None, 5):
        assert read_of(ways.compare(9, *files, "-o", "out.json")) == 40
    assert ways.compare(9, empty, blank, nothing, "-o", "out.json").status == 1


def test_an_event_longer_than_many_parts(ways: Ways):
    """Parts that would begin within it are not there, or found to begin nowhere."""
    for note in ("x" * 5000, "\\n" * 2000, '\\"}, {\\"type\\": ' * 300):
        for framing in ("lines", "array", "one-line-array", "run"):
            long = order(1)[:-1] + f', "note": "{note}"}}'
            log = ways.put("log", framed([*orders(20), long, *orders(20)], framing))
            assert read_of(ways.compare(9, log, "-o", "out.json")) == 41


def test_lines_too_long_to_be_held_here(ways: Ways, monkeypatch: pytest.MonkeyPatch):
    """Of a stream, they are left to one reader, with what is behind them."""
    monkeypatch.setattr(ltv.parallel.parts, "_LONGEST_BLOCK_BYTES", 4000)
    long = order(1)[:-1] + f', "note": "{"x" * 9000}"}}'
    bad = order(2, verb="BAD")
    for texts in ([long, *orders(120), bad], [*orders(120), bad, long, bad, *orders(20), bad]):
        data = "\n".join(texts).encode()
        log = ways.put("log", gzip.compress(data))
        outcome = ways.compare(9, log, "-o", "out.json", chunk_bytes=500, workers=2)
        assert read_of(outcome) == len(texts)
        assert outcome.files["out.json.rejects.jsonl"].count(b"\n") == texts.count(bad)
        piped = ways.compare(9, "-", "-o", "out.json", stdin=data, chunk_bytes=500)
        assert piped.files["out.json"] == outcome.files["out.json"]


def test_no_more_is_learnt_than_the_full_path_would_say(ways: Ways):
    """The same layout with values that are good, later, or refused."""
    times = ["2017-01-08T23:59:59.999Z", "2017-01-09T00:00:00.000Z", "2017-02-30T10:00:00.000Z"]
    amounts = ["1.00 USD", "1.00 EUR", "1,00 USD"]
    texts = [
        order(number, event_time=times[number // 3 % 3 if number > 20 else 0], total_amount=amount)
        for number, amount in enumerate(amounts * 30)
    ]
    log = ways.put("log", "\n".join(texts).encode())
    outcome = ways.compare(99, log, "-o", "out.json", "--until", "2017-01-08")
    assert ways.seen.matched > 10
    counts = json.loads(outcome.files["out.json"])["events"]
    usd = [text for text in texts if "1.00 USD" in text]
    later = sum(times[1] in text for text in texts)  # whatever the amount is
    accepted = sum(times[0] in text for text in usd)
    assert later and accepted
    others = {"rejected": 90 - later - accepted, "later": later}
    assert counts == {"read": 90, "accepted": accepted, **others}
    outcome = ways.compare(99, log, "-o", "out.json", "--since", "2017-01-09")
    counts = json.loads(outcome.files["out.json"])["events"]
    assert counts["earlier"] == sum(times[0] in text for text in texts)


def test_values_as_data_frames_and_databases_write_them(ways: Ways):
    forms: list[dict[str, object]] = [
        {"customer_id": 305.0, "total_amount": 182.45000000000002},
        {"event_time": "2017-01-08 10:00:00,5 UTC", "total_amount": "US$ .99", "currency": "usd"},
        {"event_time": "2017-01-08T10:00:00.123456+00", "currency": " $ "},
        {"customer_id": {"$oid": "305"}, "event_time": {"$date": "2017-01-08T10:00:00Z"}},
        {"customer_id": {"$numberLong": "305"}, "total_amount": {"$numberDecimal": "1.0000005"}},
        {"total_amount": "5", "currency": "EUR"},
        {"total_amount": "5 USD", "currency": "EUR"},
        {"total_amount": "999999999999.9999999"},
        {"total_amount": "-999999999999.9999999 usd"},
    ]
    texts = [order(number, **forms[number // 8 % len(forms)]) for number in range(288)]
    log = ways.put("log", "\n".join(texts).encode())
    for currency, accepted in (("USD", 224), ("EUR", 128)):
        outcome = ways.compare(99, log, "-o", "out.json", "--currency", currency)
        assert ways.seen.matched > 40
        counts = json.loads(outcome.files["out.json"])["events"]
        assert counts == {"read": 288, "accepted": accepted, "rejected": 288 - accepted}


def test_nothing_to_rank_in_many_parts(ways: Ways):
    log = ways.put("log", "\n".join([order(1, verb="BAD")] * 90).encode())
    outcome = ways.compare(9, log, "-o", "out.json", workers=2)
    why = "90 order events rejected, 90 for unknown-verb; see out.json.rejects.jsonl"
    assert outcome.err.endswith(f"nothing to rank in 1 file: {why}\n")
    assert outcome.files["out.json.rejects.jsonl"].count(b"\n") == 90
    log = ways.put("log", "\n".join(orders(90)).encode())
    outcome = ways.compare(9, log, "-o", "out.json", "--until", "2016-12-31")
    later = "90 of 90 events are later than --until"
    assert outcome.err.endswith(f"nothing to rank in 1 file: {later}\n")


@pytest.mark.parametrize("name", ["missing", "file", "file/below"])
def test_a_temporary_directory_that_cannot_be_had(name: str, ways: Ways):
    log, _ = ways.put("log", "\n".join(orders(9)).encode()), ways.put("file", b"")
    for module, constant, value in TINY_SIZES:
        ways._monkeypatch.setattr(module, constant, value)
    outcome = ways._run((9, log, "-o", "out.json", "--temp", name), None)
    reason = "No such file or directory" if name == "missing" else "Not a directory"
    assert outcome == (1, "", f"Main_Calculation.py: {name}: cannot be written: {reason}\n", {})


# --- Processes of their own -------------------------------------------------------------------

PROGRAM = SOURCES / "Main_Calculation.py"
PATIENCE = 60  # seconds, for anything that is waited for
LINUX_ALONE = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into /proc, where Linux tells of processes"
)
WORKER_LOST = (
    "Main_Calculation.py: a worker process was killed, perhaps for want of memory; "
    "fewer --workers need less\n"
)


class Place:
    """A directory with a log of some MB, where the program is run in a process of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.temp = directory / "temp"
        self.log = directory / "log"
        with self.log.open("w", encoding="utf-8", newline="") as log:
            make_log.write_log(log, make_log.events(24_000, bad=100), "jsonl")
        self.seconds = 0.0  # a run takes
        self.temp.mkdir()
        begin = time.monotonic()
        done = self.finish(self.start("log"))
        self.seconds = time.monotonic() - begin
        assert done.status == 0, done.err
        self.expected = self.results()

    def reset(self) -> None:
        shutil.rmtree(self.temp)
        self.temp.mkdir()
        for path in self.directory.glob("out.*"):
            path.unlink()

    def results(self) -> tuple[bytes, bytes]:
        paths = self.directory / "out.json", self.directory / "out.json.rejects.jsonl"
        return paths[0].read_bytes(), paths[1].read_bytes()

    def start(
        self,
        *arguments: object,
        command: tuple[object, ...] = ("-S", PROGRAM),
        temp: str = "temp",
        **more: Any,
    ) -> "subprocess.Popen[bytes]":
        """The program with two workers, which is the leader of a group of processes."""
        options = ("-o", "out.json", "--temp", temp, "--workers", "2", "-q")
        settings: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        return subprocess.Popen(
            [sys.executable, *map(str, command), "1000", *map(str, arguments), *options],
            cwd=self.directory,
            env=environment_with(UNMEASURED),
            start_new_session=True,
            **settings | more,
        )

    def finish(self, process: "subprocess.Popen[bytes]") -> Done:
        """To its end, with all of its processes."""
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        return Done(process.returncode, out.decode(), err.decode())

    def left_behind(self) -> list[str]:
        """What of a run is still there."""
        return [*os.listdir(self.temp), *(path.name for path in self.directory.glob(".ltv-*"))]


@pytest.fixture(scope="session")
def shared_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    place = Place(tmp_path_factory.mktemp("parallel"))
    yield place
    place.log.unlink()


@pytest.fixture
def place(shared_place: Place) -> Place:
    shared_place.reset()
    return shared_place


def wait_for(condition: Callable[[], Any], process: "subprocess.Popen[bytes] | None" = None) -> Any:
    """What comes of the condition, once that is true; or when the process has ended."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()) and (process is None or process.poll() is None):
        assert time.monotonic() < end, "that takes too long"
        time.sleep(0.001)
    return found


def living(group: int) -> list[int]:
    """The processes of a group, but for those that have ended."""
    found = []
    for entry in os.listdir("/proc"):
        with contextlib.suppress(OSError, ValueError):
            status = Path(f"/proc/{int(entry)}/stat").read_text("utf-8", "replace")
            state, _, its_group = status.rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                found.append(int(entry))
    return found


def workers_of(group: int) -> list[int]:
    return [number for number in living(group) if number != group]


def are_gone(group: int) -> bool:
    return living(group) == []


def test_the_log_in_one_piece_says_the_same(
    place: Place, ways: Ways, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(place.directory)
    assert ways.small(1000, "log", "-o", ways.directory / "out.json", "-q").status == 0
    there = ways.directory / "out.json", ways.directory / "out.json.rejects.jsonl"
    assert (there[0].read_bytes(), there[1].read_bytes()) == place.expected
    assert place.expected[1].count(b"\n") == 100


START = """
import multiprocessing, runpy, sys
if __name__ == "__main__":
    multiprocessing.set_start_method(sys.argv.pop(1))
    del sys.argv[0]
    sys.path.insert(0, sys.argv[0].rpartition("/")[0])
    runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_however_processes_are_started(method: str, place: Place):
    import multiprocessing  # noqa: PLC0415 - for this test alone

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {method}")
    done = place.finish(place.start("log", command=("-c", START, method, PROGRAM)))
    assert done == (0, "", "")
    assert place.results() == place.expected
    assert place.left_behind() == []


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_piped_while_it_is_written(compress: Callable[[bytes], bytes], place: Place):
    process = place.start("-", stdin=subprocess.PIPE)
    assert process.stdin is not None
    data = compress(place.log.read_bytes())
    rng = random.Random(5)
    begin = 0
    while begin < len(data):
        end = begin + rng.choice([1, 100, 5000, 100_000])
        process.stdin.write(data[begin:end])
        process.stdin.flush()
        begin = end
    process.stdin.close()
    process.stdin = None
    assert place.finish(process) == (0, "", "")
    results, rejects = place.results()
    assert results == place.expected[0]
    assert rejects.replace(b'"file": "-"', b'"file": "log"') == place.expected[1]


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def signal_at_random_moments(
    place: Place, number: signal.Signals, seed: int, count: int, *, to_all: bool
) -> None:
    """Once the temporary directory is there, at any moment until about the end of the run."""
    rng = random.Random(seed)
    interrupted = 0
    for moment in range(count):
        place.reset()
        process = place.start("log")
        wait_for(lambda: os.listdir(place.temp), process)
        if moment:  # the first comes at once: later it may be done, on a machine with much to do
            time.sleep(place.seconds * (moment + rng.random()) / count)
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if to_all else os.kill)(process.pid, number)
        process.wait(PATIENCE)
        left = living(process.pid)
        done = place.finish(process)
        assert left == []
        assert place.left_behind() == []
        if done.status == 128 + number:
            interrupted += 1
            assert done[1:] == ("", f"Main_Calculation.py: interrupted by {number.name}\n")
        else:  # when all was done, Python has given the signals back
            assert done.status in (0, -number)
            assert done[1:] == ("", "")
            assert place.results() == place.expected
    assert interrupted


@LINUX_ALONE
@pytest.mark.parametrize(
    ("number", "to_all"),
    [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGHUP, False)],
    ids=["SIGINT-to-all", "SIGTERM-to-one", "SIGHUP-to-one"],
)
def test_a_signal_at_any_moment(number: signal.Signals, to_all: bool, place: Place):
    signal_at_random_moments(place, number, 1, 2, to_all=to_all)


@pytest.mark.slow
@LINUX_ALONE
@pytest.mark.parametrize("to_all", [False, True], ids=["to-one", "to-all"])
@pytest.mark.parametrize("number", SIGNALS, ids=[number.name for number in SIGNALS])
def test_a_signal_at_many_moments(number: signal.Signals, to_all: bool, place: Place):
    signal_at_random_moments(place, number, 2, 40, to_all=to_all)


def kill_at_random_moments(place: Place, seed: int, count: int) -> None:
    """The workers end by themselves; what they leave, the next run removes."""
    rng = random.Random(seed)
    killed = 0
    for moment in range(count):
        place.reset()
        process = place.start("log")
        wait_for(lambda: os.listdir(place.temp), process)
        had_workers = bool(workers_of(process.pid))
        time.sleep(place.seconds * (moment + rng.random()) / count)
        had_workers = had_workers and bool(workers_of(process.pid))
        process.kill()
        process.wait(PATIENCE)
        wait_for(partial(are_gone, process.pid))
        killed += process.returncode == -signal.SIGKILL
        if had_workers:
            assert os.listdir(place.temp) == []
        place.finish(process)
        assert place.finish(place.start("log")) == (0, "", "")
        assert place.results() == place.expected
        assert place.left_behind() == []
    assert killed


@LINUX_ALONE
def test_a_kill_at_any_moment(place: Place):
    kill_at_random_moments(place, 3, 2)


@pytest.mark.slow
@LINUX_ALONE
def test_a_kill_at_many_moments(place: Place):
    kill_at_random_moments(place, 4, 40)


class Fed:
    """A run that reads a FIFO, and so goes on as long as it is fed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.data = place.log.read_bytes()
        self.fifo = place.directory / "fifo"
        self.fifo.unlink(missing_ok=True)
        os.mkfifo(self.fifo)
        self.process = place.start("fifo")
        # It waits for the program to open it.
        self.stream = open(self.fifo, "wb", buffering=0)  # noqa: SIM115 - closed by finish

    def feed(self, begin: int, end: int | None) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.stream.write(self.data[begin:end])

    def finish(self) -> Done:
        self.stream.close()
        self.fifo.unlink()
        return self.place.finish(self.process)


@LINUX_ALONE
def test_a_worker_is_killed_while_there_is_nothing_to_do(place: Place):
    fed = Fed(place)
    fed.feed(0, 2_500_000)
    workers = wait_for(lambda: workers_of(fed.process.pid))
    time.sleep(0.3)
    os.kill(workers[0], signal.SIGKILL)
    wait_for(lambda: workers[0] not in living(fed.process.pid))
    time.sleep(0.1)
    fed.feed(2_500_000, None)
    assert fed.finish() == (1, "", WORKER_LOST)
    assert living(fed.process.pid) == []
    assert place.left_behind() == []
    assert list(place.directory.glob("out.*")) == []


@LINUX_ALONE
def test_a_worker_is_killed_at_any_moment(place: Place):
    rng = random.Random(6)
    lost = 0
    for moment in range(4):
        place.reset()
        process = place.start("log")
        workers = wait_for(partial(workers_of, process.pid), process)
        time.sleep(place.seconds / 2 * (moment + rng.random()) / 4)
        with contextlib.suppress(ProcessLookupError):
            os.kill(rng.choice(workers), signal.SIGKILL)
        done = place.finish(process)
        assert done in ((0, "", ""), (1, "", WORKER_LOST))
        lost += done.status
        assert living(process.pid) == []
        assert place.left_behind() == []
    assert lost


@LINUX_ALONE
def test_two_runs_in_one_temporary_directory(place: Place):
    fed = Fed(place)
    (directory,) = wait_for(lambda: os.listdir(place.temp))
    for begin in (0, 2_000_000):
        assert place.finish(place.start("log", "-o", "other.json")) == (0, "", "")
        assert os.listdir(place.temp) == [directory]
        fed.feed(begin, begin + 2_000_000 if begin == 0 else None)
    assert fed.finish() == (0, "", "")
    assert place.results()[0] == place.expected[0]
    assert place.left_behind() == []


@LINUX_ALONE
def test_what_a_killed_run_left_is_swept(place: Place):
    fed = Fed(place)
    (directory,) = wait_for(lambda: os.listdir(place.temp))
    fed.process.kill()
    fed.finish()
    assert os.listdir(place.temp) == [directory], "it had no workers yet"
    (place.temp / directory / "00000000.rows").write_bytes(b"rows")
    (place.temp / "another").mkdir()
    assert place.finish(place.start("log")) == (0, "", "")
    assert os.listdir(place.temp) == ["another"]


LIMITED = """
import resource, runpy, sys
sys.path.insert(0, sys.argv[1].rpartition("/")[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@LINUX_ALONE
@pytest.mark.parametrize("is_good", [True, False], ids=["rows", "rejects"])
def test_a_temporary_directory_that_takes_no_more(is_good: bool, place: Place):
    name = "log"
    if not is_good:
        name = "bad"
        bad = place.log.read_bytes().replace(b'"verb"', b'"berv"')
        (place.directory / name).write_bytes(bad)
    options = ("--rejects", "/dev/null")
    done = place.finish(place.start(name, *options, command=("-c", LIMITED, PROGRAM)))
    reason = "File too large; ulimit -f sets how large"
    assert done == (1, "", f"Main_Calculation.py: temp: cannot be written: {reason}\n")
    assert place.left_behind() == []


@LINUX_ALONE
def test_a_temporary_directory_on_a_disk_that_is_full(place: Place):
    small = place.directory / "small"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(small)]
    try:
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            pytest.skip("no small file system can be mounted here")
    except OSError:
        pytest.skip("there is no `mount` here")
    try:
        done = place.finish(place.start("log", temp="small"))
        left = os.listdir(small)
    finally:
        subprocess.run(["umount", str(small)], check=True)
        small.rmdir()
    reason = "cannot be written: No space left on device"
    assert done == (1, "", f"Main_Calculation.py: small: {reason}\n")
    assert left == []


# --- Memory -----------------------------------------------------------------------------------

MIB = 1024 * 1024

#: About 1.5 times the most that was measured, and more than twice the difference.
MAX_PEAK = 60 * MIB
MAX_GROWTH = 15 * MIB


def proportional_bytes(process: int) -> int:
    """How much memory a process has; what it shares counts by its share."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0  # it has just ended


def peak_of(place: Place, events: int) -> int:
    """The most memory that all processes of a run had together."""
    path = place.directory / "long"
    with path.open("w", encoding="utf-8", newline="") as log:
        make_log.write_log(log, make_log.events(events), "jsonl")
    process = place.start("long", "-f", "csv")
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(proportional_bytes, living(process.pid))))
        time.sleep(0.01)
    path.unlink()
    assert place.finish(process) == (0, "", "")
    return peak


@LINUX_ALONE
@pytest.mark.slow
def test_memory_does_not_grow_with_the_input(place: Place):
    if not proportional_bytes(os.getpid()):
        pytest.skip("this system does not tell of shared memory")
    small, medium, large = (peak_of(place, events) for events in (100_000, 300_000, 400_000))
    assert medium <= MAX_PEAK, f"{medium / MIB:.0f} MiB"
    assert large - small <= MAX_GROWTH, f"{(large - small) / MIB:.0f} MiB more"


@pytest.mark.parametrize(
    "small_bytes", [-1, ltv.reading.files._SMALL_BYTES], ids=["large", "small"]
)
def test_bad_events_leave_no_cycles(
    small_bytes: int, run: Callable[..., Done], in_tmp: Path, monkeypatch: pytest.MonkeyPatch
):
    """Their number decides on neither the memory of a run nor that of its workers."""
    monkeypatch.setattr(ltv.reading.files, "_SMALL_BYTES", small_bytes)
    left = []
    for count in (100, 1100):
        bad = 'x\n{"type":"ORDER"}\n{"type":"IMAGE","key":1e999}\n"\\ud800"\n{"a":NaN}\n'
        Path("log").write_text(order(1) + "\n" + count * bad)
        gc.collect()
        with without_collecting():
            assert run(1, "log", "-o", "out.txt", "-q", "--workers", 1).status == 0
            left.append(gc.collect())
    assert left[1] < left[0] + 100
