"""What workers do: ingest parts of the input into shards on disk, and rank shards.

| task | from | to |
|---|---|---|
| `read_parts` | parts of files | shards in the temporary directory; what became of each part |
| `rank_shards` | shards of all parts | the best customers of some shards, and what all add up to |
| `gather_shards` | the same | what a function makes of some shards |
| `customer_in_shard` | the same | what is known of one customer |
| `ids_in_shards` | the same | the first ids of some shards that begin so |
| `count_in_shards` | the same | how many customers of some shards come before that one |
| `changes_of_shards` | the same | what joining some shards changes in a store |
"""

import heapq
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count, islice
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from ltv.account import Account, Counts
from ltv.errors import DamagedFileError, EventError, LTVError
from ltv.output.formats import reject_row
from ltv.output.target import writing_in
from ltv.parallel.column_shard import ColumnShard
from ltv.parallel.parts import Part, opened
from ltv.parallel.shards import ShardWriter, blocks_of_shards
from ltv.progress import Tally
from ltv.reading.csv_columns import CsvRules
from ltv.reading.layouts import Layout, Learner
from ltv.reading.units import PartReader, Unit
from ltv.reading.window import Position
from ltv.report.day_sums import DaySums
from ltv.report.figures import Figures, no_figures
from LTV_Calculate import (
    Candidate,
    Gather,
    Gathered,
    Ranking,
    Threshold,
    Totals,
    best_customers,
    best_of,
    count_before,
    count_ranked,
)
from LTV_Classes import Customer
from LTV_Ingest import Fact, Ingest, Rules, fact_of

if TYPE_CHECKING:
    from ltv.reading.csv_reader import CsvReader


_UNITS_TO_LEARN_FROM = 48

_MOST_REJECTS_HELD = 256


class Work(NamedTuple):
    """What all tasks of a run have in common."""

    directory: str  # the temporary one
    shards: int
    rules: Rules
    keeps_rejects: bool
    tally: str | None  # the path for it
    csv: CsvRules | None = None  # where the files are CSV

    def rows_path(self, task: int, number: int) -> str:
        """Where rows of a task go."""
        return os.path.join(self.directory, f"{task:08}-{number:05}.rows")

    def rejects_path(self, task: int, number: int) -> str:
        """Where the rejects of one of the parts of a task go."""
        return os.path.join(self.directory, f"{task:08}-{number:05}.rejects")


class PartResult(NamedTuple):
    """What a part came to; its lines count from its begin."""

    file: int
    framing: str | None  # None where the part is the begin of its file
    first: Position
    last: Position
    is_event_log: bool
    counts: Counts
    rejects: str | None  # the path of the file with them
    layouts: tuple[Layout, ...]
    damage: DamagedFileError | None
    rows: tuple[str, ...] = ()  # the paths of the files with the shards of all parts of its task


def read_parts(
    parts: Iterable[tuple[int, Part]], task: int, work: Work, layouts: tuple[Layout, ...]
) -> list[PartResult]:
    """Read parts, each with the number of its file, up to one that is damaged.

    `layouts` are known already. Leaves the shards and the rejects in the temporary directory.
    Raises FileError.
    """
    learner = Learner(layouts, work.rules.currency, None, work.rules.timezone)
    numbers = count()
    shards = ShardWriter(work.shards, lambda: work.rows_path(task, next(numbers)))
    results: list[PartResult] = []
    with Tally(work.tally) as tally:
        for number, (file, part) in enumerate(parts):
            learner.separator = None
            with _PartAccount(work, work.rejects_path(task, number), learner) as account:
                damage, reader = _ingest(part, shards, account, learner, tally, work.csv)
            results.append(
                PartResult(
                    file,
                    part.framing,
                    reader.first,
                    reader.last,
                    reader.is_event_log,
                    account.counts,
                    account.rejects_path,
                    learner.layouts,
                    damage,
                )
            )
            if damage:
                return results
    shards.write()
    return [result._replace(rows=tuple(shards.paths)) for result in results]


def _ingest(
    part: Part,
    shards: ShardWriter,
    account: "_PartAccount",
    learner: Learner,
    tally: Tally,
    csv: CsvRules | None,
) -> "tuple[DamagedFileError | None, PartReader | CsvReader]":
    """Ingest a part; returns what is damaged in it, and its reader, which tells where it ended."""
    progress = _PartProgress(part, account, tally)
    with opened(part, progress.count) as chunks, progress:
        read = progress.each(chunks)
        reader = (
            _csv_reader(part, read, csv, account.rules) if csv else _reader(part, read, learner)
        )
        events = account.events(part.file, reader)
        try:
            Ingest(events, shards, **account.rules._asdict(), errors=account)
        except DamagedFileError as error:
            return error, reader
    return None, reader


def _reader(part: Part, chunks: Iterator[bytes], learner: Learner | None) -> PartReader:
    return PartReader(
        part.file, chunks, learner, framing=part.framing, begin=part.begin, end=part.end
    )


def _csv_reader(part: Part, chunks: Iterator[bytes], csv: CsvRules, rules: Rules) -> "CsvReader":
    from ltv.reading.csv_reader import CsvReader  # noqa: PLC0415 - only some runs have CSV

    begin, end, table = part.begin, part.end, part.table
    return CsvReader(part.file, chunks, csv, rules, begin=begin, end=end, table=table)


def layouts_in(parts: list[Part], rules: Rules) -> tuple[Layout, ...]:
    """The layouts of a few good events at the begin of each part, so far as they can be read."""
    learner = Learner((), rules.currency, None, rules.timezone)
    for part in parts:
        with suppress(LTVError), opened(part) as chunks:
            for unit in islice(_reader(part, chunks, None), _UNITS_TO_LEARN_FROM):
                assert isinstance(unit, Unit), "there are no matches without a learner"
                with suppress(EventError):
                    fact_of(unit.value, rules)
                    learner.learn(unit.text)
    learner.learn_sample()
    return learner.layouts


class _PartProgress:
    """Has the tally know what is read of a part, whenever more of it is read."""

    def __init__(self, part: Part, account: Account, tally: Tally) -> None:
        self._account = account
        self._tally = tally
        self._room = sys.maxsize if part.end is None else part.end - part.begin
        self._bytes = 0
        self._events = 0

    def count(self, byte_count: int) -> None:
        """Take bytes into account; those after the part are of another."""
        self._bytes += min(byte_count, self._room)
        self._room -= min(byte_count, self._room)

    def each(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        for chunk in chunks:
            self._tell()
            yield chunk

    def _tell(self) -> None:
        self._tally.add(self._bytes, self._account.read - self._events)
        self._bytes, self._events = 0, self._account.read

    def __enter__(self) -> "_PartProgress":
        return self

    def __exit__(self, *exception: object) -> None:
        self._tell()


class _PartAccount(Account):
    """The account of one part; its rejects go to a file, and good units to the learner."""

    def __init__(self, work: Work, rejects_path: str, learner: Learner) -> None:
        super().__init__(self._keep_reject if work.keeps_rejects else None)
        self.rules = work.rules
        self.timezone = work.rules.timezone
        self._directory = work.directory
        self._path_for_rejects = rejects_path
        self._rejects: list[bytes] = []  # that wait to be written
        self._rejects_file: IO[bytes] | None = None
        self._learner = None if work.csv else learner

    @property
    def rejects_path(self) -> str | None:
        """Where the rejects are, if there are any."""
        return self._path_for_rejects if self._rejects_file else None

    def __enter__(self) -> "_PartAccount":
        return self

    def __exit__(self, *exception: object) -> None:
        self._write_rejects()
        if self._rejects_file:
            with writing_in(self._directory):
                self._rejects_file.close()

    def accept(self, fact: Fact) -> None:
        """Note the event that was given out last, and how it is written."""
        super().accept(fact)
        if self._learner:
            self._learner.learn(self.present.text)

    def _keep_reject(self, file: str, line: int, offset: int, text: str, error: EventError) -> None:
        self._rejects.append(reject_row(line, offset, text, error))
        if len(self._rejects) == _MOST_REJECTS_HELD:
            self._write_rejects()

    def _write_rejects(self) -> None:
        if not self._rejects:
            return
        with writing_in(self._directory):
            if self._rejects_file is None:
                self._rejects_file = open(self._path_for_rejects, "xb")  # noqa: SIM115 - __exit__
            self._rejects_file.writelines(self._rejects)
        self._rejects.clear()


def customers_of_shards(
    paths: list[str], shards: range, rules: Rules
) -> Iterator[dict[str, Customer]]:
    """Yield the customers of each of `shards`, from the files that parts of the input left.

    Raises OSError.
    """
    for blocks in blocks_of_shards(paths, shards):
        D: dict[str, Customer] = {}
        Ingest(blocks, D, **rules._asdict())
        yield D


def _column_shards(
    paths: list[str], shards: range, rules: Rules, end: int
) -> Iterator[ColumnShard]:
    """Yield the same by column, of shards that have customers; `end` is that of all the data."""
    for blocks in blocks_of_shards(paths, shards):
        D = Ingest(blocks, ColumnShard(rules.currency, end), **rules._asdict())
        if D:
            yield D


class ShardsRanked(NamedTuple):
    """The best customers of some shards, how many are ranked, and what all add up to."""

    best: list[Candidate]
    ranked: int
    totals: list[Totals]
    figures: Figures


def rank_shards(  # noqa: PLR0913, PLR0917 - what a task is given
    paths: list[str],
    shards: range,
    x: int,
    ranking: Ranking,
    rules: Rules,
    end: int,
    lifespan: str | None,
) -> ShardsRanked:
    """Return the best `x` customers of `shards`, from the files of rows, and their sums.

    `end` is that of all the data, in microseconds since 1970; the lifespan is in years, None where
    no figures are wanted.
    """
    all_totals = []
    counts = []
    figures = no_figures()
    sums = DaySums(end)
    threshold = Threshold(end)

    best: list[Candidate] = []
    for D in _column_shards(paths, shards, rules, end):
        all_totals.append(D.totals())
        if lifespan is not None:
            figures.add_new_customers(D.new_customers(), end, lifespan)
            D.add_to(sums)
        counts.append(len(D) if ranking.is_of_all else count_ranked(D, ranking, end=end))
        best += best_customers(x, D, ranking, end=end, threshold=threshold)
        if len(best) > x:
            best = best_of(x, best)
            threshold.raise_to(best[-1].falling_value)
    figures.add_day_sums(sums)
    return ShardsRanked(best_of(x, best), sum(counts), all_totals, figures)


def gather_shards(
    paths: list[str], shards: range, gather: Gather[Gathered], rules: Rules, end: int
) -> Gathered:
    """Return what `gather` makes of the customers of `shards`; `end` as in rank_shards."""
    return gather(_column_shards(paths, shards, rules, end))


def customer_in_shard(
    paths: list[str], shard: int, customer_id: str, rules: Rules
) -> Customer | None:
    """Return what is known of the customer that is in `shard`, if anywhere."""
    (D,) = customers_of_shards(paths, range(shard, shard + 1), rules)
    return D.get(customer_id)


def ids_in_shards(paths: list[str], shards: range, prefix: str, most: int) -> list[str]:
    """Return the first `most` ids in `shards` that begin with `prefix`, in code-point order."""
    begin = prefix.encode()

    def ids() -> Iterator[bytes]:
        for blocks in blocks_of_shards(paths, shards):
            owners = chain.from_iterable(block.owners for block in blocks)
            yield from {owner for owner in owners if owner.startswith(begin)}

    return [customer_id.decode() for customer_id in heapq.nsmallest(most, ids())]


def count_in_shards(
    paths: list[str], shards: range, candidate: Candidate, ranking: Ranking, rules: Rules, end: int
) -> int:
    """Return how many customers of `shards` come before `candidate`; `end` as in rank_shards."""
    return sum(
        count_before(candidate, D, ranking, end=end)
        for D in _column_shards(paths, shards, rules, end)
    )


def changes_of_shards(
    paths: list[str],
    shards: range,
    rules: Rules,
    changes_of: Callable[[Iterable[Customer]], list[Any]],
) -> list[Any]:
    """Return what joining the customers of `shards`, from the files of rows, changes in a store.

    `changes_of` is what finds that, of a store that this run has open.
    """
    found: list[Any] = changes_of(
        customer for D in customers_of_shards(paths, shards, rules) for customer in D.values()
    )
    return found
