"""What the tasks of a Spark run do; of Spark itself they know nothing.

| task | from | to |
|---|---|---|
| `read` | parts of files | pieces of customers, rejects, and what each part came to |
| `gather_partition` | all pieces of a partition of the customers | what a function makes of them |
| `rank` | the same | its best ones, its totals, its rejects |

Between them goes what is numbered by the partition that it is for. What is known of a customer
comes joined from each task that reads, so it is as much as is known and not as much as was logged.
The reading is that of a local run (ltv.parallel.workers), the joining that of Customer.
"""

import os
import pickle
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain, groupby, islice
from operator import itemgetter
from typing import NamedTuple

from ltv.errors import FileError
from ltv.output.formats import reject_lines
from ltv.output.target import TemporaryDirectory
from ltv.parallel.parts import Part
from ltv.parallel.workers import PartResult, Work, customers_of_shards, read_parts
from ltv.reading.files import read_chunks
from ltv.reading.framing import LINES
from LTV_Calculate import (
    Candidate,
    Gather,
    Gathered,
    Ranking,
    Totals,
    best_customers,
    count_ranked,
    totals,
)
from LTV_Classes import Customer, without_collecting
from LTV_Ingest import Rules

#: Into so many shards a task deals what it reads, so that what is known of one fits the
#: processor's cache, and a piece is small.
_LEAST_SHARDS = 256

#: Of the rows of a task, as many are made into customers at once.
_BYTES_AT_ONCE = 32 * 1024 * 1024

_LINES_JOINED = 1000

_MOST_REJECTS_HELD = 1000


class Setting(NamedTuple):
    """What all tasks of a run have in common."""

    partitions: int
    rules: Rules

    @property
    def shards(self) -> int:
        """A multiple of the partitions, so that a shard is in one of them."""
        return self.partitions * -(-_LEAST_SHARDS // self.partitions)


class PartOfPlace(NamedTuple):
    """What a task reads: a part of the file with this number.

    `number` is that of the part in its file; None for one that Spark has cut, of which nobody knows
    where it is.
    """

    file: int
    part: Part
    number: int | None = 0


class PartRejects(NamedTuple):
    """Some rejects of a part of a file, both with their numbers, as rows (ltv.output.formats)."""

    file: int
    number: int | None
    rows: list[bytes]


class Outcome(NamedTuple):
    """What the part of a file with this number came to."""

    result: PartResult
    number: int | None

    @property
    def file(self) -> int:
        return self.result.file


class FailedTask(NamedTuple):
    """Why a task could not read the parts from this file on."""

    file: int
    error: FileError


#: What goes to a partition; customers as pickles.
Piece = bytes | PartRejects | Outcome | FailedTask


class Standing(NamedTuple):
    """What is known of a partition of the customers."""

    best: list[Candidate]
    ranked: int
    totals: Totals


def read_listed(
    task: int, lists: Iterable[list[PartOfPlace]], setting: Setting
) -> Iterator[tuple[int, Piece]]:
    """`read` of the parts in lists."""
    return read(chain.from_iterable(lists), task, setting)


def read_rows(
    task: int,
    rows: Iterable[tuple[bytearray, str, int]],
    numbers: dict[str, int],
    marks: dict[int, int],
    setting: Setting,
) -> Iterator[tuple[int, Piece]]:
    """`read` of lines, each with the URI of its file and where Spark's block of that begins.

    The lines of a block come in one go. `marks` has how many bytes each file, by its number, has in
    front of its first line: Spark passes over a byte-order mark.
    """

    def parts() -> Iterator[PartOfPlace]:
        for (uri, begin), block in groupby(rows, key=itemgetter(1, 2)):
            file = numbers[uri]
            chunks = _joined(map(itemgetter(0), block))
            if begin:
                yield PartOfPlace(file, Part("", LINES, chunks=chunks), number=None)
            else:
                yield PartOfPlace(file, Part("", LINES, marks[file], chunks=chunks))

    return read(parts(), task, setting)


def _joined(lines: Iterator[bytes]) -> Iterator[bytes]:
    while some := list(islice(lines, _LINES_JOINED)):
        yield b"\n".join([*some, b""])


def read_contents(
    task: int, rows: Iterable[tuple[bytearray, str]], numbers: dict[str, int], setting: Setting
) -> Iterator[tuple[int, Piece]]:
    """`read` of whole files, each with its URI."""
    parts = (
        PartOfPlace(numbers[uri], Part("", chunks=read_chunks(BytesIO(data)))) for data, uri in rows
    )
    return read(parts, task, setting)


def read(parts: Iterable[PartOfPlace], task: int, setting: Setting) -> Iterator[tuple[int, Piece]]:
    """Read parts, up to one that is damaged.

    To each partition of the customers go pieces of them, as bytes; rejects go to the one of this
    task's number; to the one after the last, what became of each part.

    Raises FileError when there is no room for what does not fit in memory.
    """
    reading = _Reading(parts)
    with TemporaryDirectory(_local_directory()) as directory, without_collecting():
        work = Work(directory.path, setting.shards, setting.rules, keeps_rejects=True, tally=None)
        try:
            results = read_parts(reading, task, work, ())
        except FileError as error:
            if error.path == os.path.dirname(directory.path):
                raise  # this machine's disk: Spark tries another one
            yield setting.partitions, FailedTask(reading.file, error)
            return
        for result, number in zip(results, reading.numbers, strict=True):
            light = result._replace(layouts=(), rejects=None, rows=())
            yield setting.partitions, Outcome(light, number)
            for rejects in _rejects_of(result, number):
                yield task % setting.partitions, rejects
        yield from _pieces(list(results[-1].rows) if results else [], setting)


def _local_directory() -> str | None:
    """Where Spark wants to have what does not fit in memory; None for the system's place."""
    return os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0] or None


class _Reading:
    """The parts with their files; the file of the last one, and the numbers of all so far."""

    def __init__(self, parts: Iterable[PartOfPlace]) -> None:
        self._parts = parts
        self.file = 0
        self.numbers: list[int | None] = []

    def __iter__(self) -> Iterator[tuple[int, Part]]:
        for file, part, number in self._parts:
            self.file = file
            self.numbers.append(number)
            yield file, part


def _rejects_of(result: PartResult, number: int | None) -> Iterator[PartRejects]:
    if not result.rejects:
        return
    with open(result.rejects, "rb") as file:
        while rows := list(islice(file, _MOST_REJECTS_HELD)):
            yield PartRejects(result.file, number, rows)


def _pieces(paths: list[str], setting: Setting) -> Iterator[tuple[int, bytes]]:
    """The customers in files of rows, pickled by shard."""
    held = sum(map(os.path.getsize, paths))
    step = max(setting.shards * _BYTES_AT_ONCE // max(held, 1), 1)
    all_shards = range(setting.shards)
    for first in range(0, setting.shards if paths else 0, step):
        some = all_shards[first : first + step]
        for shard, D in zip(some, customers_of_shards(paths, some, setting.rules), strict=True):
            if D:
                yield shard % setting.partitions, pickle.dumps(list(D.values()), protocol=5)


class Question(NamedTuple):
    """What is asked of each partition when all has been read."""

    x: int
    ranking: Ranking
    end: int  # of all the data, in microseconds since 1970
    names: list[str]  # of the files, up to the one that ends the run
    line_shifts: dict[tuple[int, int], int]  # of a part of a file, by both their numbers


def rank_partition(
    partition: int, pieces: Iterable[Piece], setting: Setting, question: Question
) -> Iterator[str | Standing]:
    """`rank` of a partition of the customers; of the one after the last, nothing."""
    return iter(()) if partition == setting.partitions else rank(pieces, question)


def rank(pieces: Iterable[Piece], question: Question) -> Iterator[str | Standing]:
    """What stands in a partition: its rejects, each a line of their file, and how it stands."""
    x, ranking, end, *_ = question
    D: dict[str, Customer] = {}
    with without_collecting():
        for piece in pieces:
            if isinstance(piece, bytes):
                _join(pickle.loads(piece), D)
            else:
                assert isinstance(piece, PartRejects), "the others go after the last partition"
                yield from _reject_lines(piece, question)
        if D:
            best = best_customers(x, D, ranking, end=end)
            yield Standing(best, count_ranked(D, ranking, end=end), totals(D))


def gather_partition(
    partition: int, pieces: Iterable[Piece], setting: Setting, gather: Gather[Gathered]
) -> Iterator[Gathered]:
    """Yield what `gather` makes of the customers of a partition."""
    D: dict[str, Customer] = {}
    with without_collecting():
        for piece in pieces if partition < setting.partitions else ():
            if isinstance(piece, bytes):
                _join(pickle.loads(piece), D)
        yield gather([D])


def _join(customers: list[Customer], D: dict[str, Customer]) -> None:
    for customer in customers:
        known = D.setdefault(customer.customer_id, customer)
        if known is not customer:
            known.join(customer)


def _reject_lines(rejects: PartRejects, question: Question) -> Iterator[str]:
    if rejects.file >= len(question.names):
        return
    number = rejects.number
    shift = None if number is None else question.line_shifts[rejects.file, number]
    for line in reject_lines(question.names[rejects.file], rejects.rows, shift):
        yield line.decode().rstrip("\n")
