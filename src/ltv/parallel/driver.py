"""Customers in shards over worker processes, as a D: memory is bounded by a shard of them.

| step | where | |
|---|---|---|
| cut | here | files into parts (parts) |
| ingest | workers | a part: events to lines, dealt to shards on disk (shards) |
| account | here | part by part in order: counts, rejects, damage, each with its line |
| rank | workers | a shard: ingested column by column, to the best of its customers |
| join | here | the best of all shards |

With a store, what the customers of a shard change in it is found by workers, and written here.

Where an array or a run of objects was cut is a guess. It was right if the part before it, read from
its own begin, ends just there; if not, the file is read again as one part.
"""

import heapq
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ltv.account import Account, EventLogs
from ltv.errors import LTVError, NotAnEventLogError
from ltv.output.target import TemporaryDirectory
from ltv.parallel.parts import Part, is_cut, parts_of, put_together, whole_stream
from ltv.parallel.pool import Task, WorkerPool
from ltv.parallel.workers import (
    PartResult,
    ShardsRanked,
    Work,
    changes_of_shards,
    count_in_shards,
    customer_in_shard,
    gather_shards,
    ids_in_shards,
    layouts_in,
    rank_shards,
    read_parts,
)
from ltv.progress import Progress
from ltv.reading.csv_columns import CsvRules
from ltv.reading.files import raw_size, state_of_file, text_size
from ltv.reading.framing import LINES
from ltv.reading.layouts import Layout, bounded
from ltv.reading.state import FileState
from ltv.report.figures import Figures, no_figures
from ltv.times import unpack
from ltv.values import shard_of
from LTV_Calculate import (
    SIMPLE,
    Candidate,
    Gather,
    Gathered,
    Ranking,
    Totals,
    best_of,
    join_totals,
)
from LTV_Classes import Customer
from LTV_Ingest import Rules

if TYPE_CHECKING:
    from ltv.ranking.outcomes import Past
    from ltv.store.session import Store

_LEAST_PART_BYTES = 1024 * 1024
_MOST_PART_BYTES = 16 * 1024 * 1024
_MOST_BYTES_AT_ONCE = 64 * 1024 * 1024  # in the parts of all workers
_PARTS_PER_WORKER = 8

#: What is known of this much of the input fits the processor's cache; of half as much, too, but
#: dealing out to more shards takes longer (ten million events: 1,024 shards 15 s, 4,096 18 s).
_SHARD_BYTES = 1024 * 1024
_LEAST_SHARDS = 32
_MOST_SHARDS = 4096
_MOST_SHARDS_AT_ONCE = 16

_PLACES_TO_LEARN_FROM = 6


class Job(NamedTuple):
    """What a run asks of all its parts and shards."""

    x: int  # how many of the best it shows
    lifespan: str  # years
    workers: int
    temp: str | None  # where the temporary directory is made; None for the system's place
    with_figures: bool = False
    csv: CsvRules | None = None  # where the files are CSV


class _Look(NamedTuple):
    """What one pass over all shards gave."""

    x: int
    ranking: Ranking
    best: list[Candidate]
    ranked: int
    totals: Totals
    figures: Figures


@contextmanager
def sharded_customers(job: Job, progress: Progress) -> "Iterator[ShardedCustomers]":
    """Give the D of a run, with worker processes and a temporary directory that end with it."""
    with (  # by the interpreter itself: an ExitStack needs memory before it cleans up
        TemporaryDirectory(job.temp) as directory,
        WorkerPool(job.workers, directory.path, progress.paused) as pool,
    ):
        yield ShardedCustomers(job, progress, directory.path, pool)


class ShardedCustomers:
    """All customers of a run, ingested and ranked by worker processes; see `sharded_customers`.

    Ranked as a dict of the same customers (LTV_Calculate.Spread). Raises FileError,
    DamagedFileError, and WorkerLostError.
    """

    def __init__(self, job: Job, progress: Progress, directory: str, pool: WorkerPool) -> None:
        self._job = job
        self._progress = progress
        self._directory = directory
        self._pool = pool
        self._account = Account()
        self._layouts: dict[Layout, None] = {}  # in the order in which they were learnt
        self._numbers = count()
        self._rows: dict[str, None] = {}  # the files with shards that count
        self._files: list[str] = []
        self._rows_of: dict[int, list[str]] = {}  # by file, of CSV
        self._states: dict[int, FileState | None] = {}  # of files in parts, when each was begun
        self._end = 0  # of the data, in microseconds since 1970
        self._look: _Look | None = None  # the last one

    def start(self) -> None:
        """Start the workers, before there is anything that they are not to inherit."""
        self._pool.start()

    def ingest(self, logs: EventLogs, rules: Rules, account: Account) -> None:
        """Have workers ingest parts of the files, and take what came of them into account."""
        self._account = account
        self._rules = rules
        self._files = logs.files
        self._sizes = list(map(text_size, self._files))
        self._bytes = sum(size.bytes for size in self._sizes)
        wanted = min(max(self._bytes // _SHARD_BYTES, _LEAST_SHARDS), _MOST_SHARDS)
        shards = 1 << (wanted.bit_length() - 1)  # a power of two, as the shards of a store are
        tally = self._progress.tally_in(self._directory)
        keeps = account.write_reject_rows is not None
        self._work = Work(self._directory, shards, rules, keeps, tally, self._job.csv)
        for file, of_file in groupby(self._results(self._tasks()), key=attrgetter("file")):
            reads: list[int] = []
            parts = self._checked(_noting_reads(of_file, reads))
            if parts is None:
                self._progress.add(-(raw_size(self._files[file]) or 0), -sum(reads))
                whole = Part(self._files[file], state=self._states[file])
                again = self._task([(file, whole)])
                parts = self._checked(self._results([again], may_start=False))
            assert parts is not None, "what is read whole is not cut wrongly"
            for result, line_shift in parts:
                self._keep(result, line_shift)
        self._end = unpack(account.end) if account.end else 0
        if self._job.csv:
            for number, paths in self._rows_of.items():
                self._settle(number, paths, self._job.csv)

    def end(self) -> int:
        """Return the latest time of any event."""
        return self._end

    def best_customers(self, x: int, ranking: Ranking) -> list[Candidate]:
        """Return the best `x` of all shards (LTV_Calculate.best_customers)."""
        return self._looked(x, ranking).best[:x]

    def count_ranked(self, ranking: Ranking) -> int:
        """Return how many customers of all shards are ranked."""
        return self._looked(self._job.x, ranking).ranked

    def gathered(self, gather: Gather[Gathered]) -> Iterator[Gathered]:
        """Yield what `gather` makes of some shards after the other (LTV_Calculate.gathered)."""
        return self._of_shards(gather_shards, gather, self._rules, self._end)

    def past(self, past: "Past", function: Callable[..., Any], *arguments: object) -> Iterator[Any]:
        """Yield what a function gives for what was known of each part (Remembers)."""
        from ltv.parallel.past import past_of_shards  # noqa: PLC0415 - only a backtest needs it

        parts = self._of_shards(past_of_shards, past, self._rules, function, *arguments)
        return chain.from_iterable(parts)

    def totals(self) -> Totals:
        """Return what all customers add up to."""
        return (self._look or self._looked(self._job.x, SIMPLE)).totals

    def figures(self) -> Figures:
        """Return the figures of the report, if they were asked for."""
        return (self._look or self._looked(self._job.x, SIMPLE)).figures

    def get(self, customer_id: str) -> Customer | None:
        """Return what the shard of a customer knows of it."""
        shard = shard_of(customer_id, self._work.shards)
        return customer_in_shard(list(self._rows), shard, customer_id, self._rules)

    def rows_of(self, customer_id: str) -> dict[str, list[tuple[str, int]]]:
        """Return the rows of CSV that the orders of a customer stand in, by their keys."""
        from ltv.parallel.rows_again import (  # noqa: PLC0415 - only some runs have CSV
            places_of_orders,
        )

        assert self._job.csv is not None, "there are rows"
        return places_of_orders(self._files, self._job.csv, self._rules, customer_id)

    def ids_beginning(self, prefix: str, most: int) -> list[str]:
        """Return the first `most` ids of all shards that begin so, in code-point order."""
        return heapq.nsmallest(
            most, chain.from_iterable(self._of_shards(ids_in_shards, prefix, most))
        )

    def events(self) -> Iterator[bytes]:
        """Yield all events as JSON Lines, each once."""
        from ltv.parallel.to_events import (  # noqa: PLC0415 - only some runs write them
            events_of_shards,
        )

        return chain.from_iterable(self._of_shards(events_of_shards, self._rules))

    def count_before(self, candidate: Candidate, ranking: Ranking) -> int:
        """Return how many customers of all shards come before one."""
        return sum(self._of_shards(count_in_shards, candidate, ranking, self._rules, self._end))

    def join_into(self, store: "Store") -> None:
        """Join all customers into the store."""
        for changes in self._of_shards(changes_of_shards, self._rules, store.changes_finder()):
            store.write(changes)

    def _looked(self, x: int, ranking: Ranking) -> _Look:
        """Return what one pass over all shards gives, the last one if that is good for it."""
        if not (self._look and x <= self._look.x and ranking == self._look.ranking):
            self._look = self._ranked(x, ranking)
        return self._look

    def _ranked(self, x: int, ranking: Ranking) -> _Look:
        all_totals: list[Totals] = []
        figures = no_figures()
        counts = []
        lifespan = self._job.lifespan if self._job.with_figures else None

        def best_of_each() -> Iterator[list[Candidate]]:
            some: ShardsRanked
            for some in self._of_shards(rank_shards, x, ranking, self._rules, self._end, lifespan):
                all_totals.extend(some.totals)
                figures.join(some.figures)
                counts.append(some.ranked)
                yield some.best

        best = best_of(x, chain.from_iterable(best_of_each()))
        return _Look(x, ranking, best, sum(counts), join_totals(all_totals), figures)

    def _results(self, tasks: Iterable[Task], *, may_start: bool = True) -> Iterator[PartResult]:
        return chain.from_iterable(self._pool.results(read_parts, tasks, may_start=may_start))

    def _tasks(self) -> Iterator[Task]:
        """Each part as a task; small files that follow each other as one."""
        wanted = self._bytes // (self._job.workers * _PARTS_PER_WORKER)
        most = min(_MOST_PART_BYTES, _MOST_BYTES_AT_ONCE // self._job.workers)
        part_bytes = max(min(wanted, most), _LEAST_PART_BYTES)
        streams = sum(not size.is_plain and size.bytes > part_bytes for size in self._sizes)
        is_alone = streams < self._job.workers
        files = (
            (self._parts(number, part_bytes, is_alone=is_alone), size.bytes)
            for number, size in enumerate(self._sizes)
        )
        try:
            yield from map(self._task, put_together(files, 0 if self._job.csv else part_bytes))
        except LTVError as error:
            yield Task((), error=error)  # after what is wrong with earlier files

    def _parts(self, number: int, part_bytes: int, *, is_alone: bool) -> Iterator[tuple[int, Part]]:
        file = self._files[number]
        if self._job.csv:
            for part in self._parts_of_csv(number, part_bytes, self._job.csv):
                yield number, part
            return
        if self._sizes[number].bytes <= part_bytes:
            yield number, Part(file)
            return
        state = self._states[number] = state_of_file(file)
        parts = parts_of(file, part_bytes, is_alone=is_alone, state=state, count=self._progress.add)
        if is_cut(state):  # where it stands; else each part is to be read before there is another
            cut = list(parts)
            step = len(cut) // _PLACES_TO_LEARN_FROM + 1
            self._remember(layouts_in(cut[1::step], self._rules))
            parts = iter(cut)
        for part in parts:
            yield number, part

    def _parts_of_csv(self, number: int, part_bytes: int, csv: CsvRules) -> Iterator[Part]:
        file = self._files[number]
        state = self._states[number] = state_of_file(file)
        if state is None:
            return whole_stream(file, self._progress.add)
        if not is_cut(state):
            return iter([Part(file, state=state)])
        from ltv.parallel.csv_parts import csv_parts  # noqa: PLC0415 - only some runs have CSV

        return csv_parts(file, part_bytes, state, csv, self._rules)

    def _task(self, parts: list[tuple[int, Part]]) -> Task:
        arguments = (parts, next(self._numbers), self._work, tuple(self._layouts))
        return Task(arguments, parts[0][1].is_local)

    def _remember(self, layouts: tuple[Layout, ...]) -> None:
        self._layouts = dict.fromkeys(bounded(self._layouts | dict.fromkeys(layouts)))

    def _checked(self, results: Iterable[PartResult]) -> list[tuple[PartResult, int]] | None:
        """Every part of a file with what its lines are to be shifted by; None if cut wrongly.

        Raises DamagedFileError.
        """
        parts: list[tuple[PartResult, int]] = []
        shift = 0
        before: PartResult | None = None
        for result in results:
            self._remember(result.layouts)
            if before:
                is_adjacent = before.last.offset == result.first.offset
                if not before.is_event_log or not (is_adjacent or result.framing == LINES):
                    deque(results, maxlen=0)  # which are done with, too
                    return None
                # Blank lines at the begin of a block of lines are not in the one before it.
                shift += before.last.line - (result.first.line if is_adjacent else 1)
            if result.damage:
                if isinstance(result.damage, NotAnEventLogError):
                    self._keep(result, shift)  # the rejects say why
                raise result.damage.shifted(shift)
            parts.append((result, shift))
            before = result
        return parts

    def _keep(self, result: PartResult, line_shift: int) -> None:
        """Take a part into account, with its rejects."""
        file = self._files[result.file]
        self._account.join(result.counts, file, line_shift)
        write_rows = self._account.write_reject_rows
        if result.rejects and write_rows:
            with open(result.rejects, "rb") as rows:
                write_rows(file, rows, line_shift)
        self._rows.update(dict.fromkeys(result.rows))
        self._rows_of.setdefault(result.file, []).extend(result.rows)

    def _settle(self, number: int, paths: list[str], csv: CsvRules) -> None:
        """Settle what rows of one key and different amounts are. Raises FileError."""
        from ltv.parallel.same_key import (  # noqa: PLC0415 - only some runs have CSV
            failure,
            joined,
            repeated_in,
        )

        shards, rules, how = self._work.shards, self._rules, csv.same_key
        if how in ("sum", "max"):
            path = os.path.join(self._directory, f"joined-{number:08}")
            new = [*self._of_shards(joined, how, rules, shards, path, paths=paths)]
            for old in paths:
                self._rows.pop(old, None)
            self._rows.update(dict.fromkeys(chain.from_iterable(new)))
        elif how is None:
            found = [*self._of_shards(repeated_in, rules.currency, paths=paths)]
            order = min((one.first for one in found if one.first), default=None)
            if order:
                raise failure(self._files[number], order, csv, rules)
            self._account.repeated += sum(one.rows for one in found)

    def _of_shards(
        self, function: Callable[..., Any], *arguments: object, paths: list[str] | None = None
    ) -> Iterator[Any]:
        """What `function` gives for the rows of some shards after the other, until all are done."""
        paths = list(self._rows) if paths is None else paths
        shards = range(self._work.shards)
        fair = len(shards) // (self._job.workers * _PARTS_PER_WORKER)
        many = max(min(fair, _MOST_SHARDS_AT_ONCE), 1)
        tasks = [
            Task((paths, shards[first : first + many], *arguments))
            for first in range(0, len(shards), many)
        ]
        self._progress.rank(0, len(tasks))
        results = self._pool.results(function, tasks, may_start=False)
        for done, result in enumerate(results, 1):
            self._progress.rank(done, len(tasks))
            yield result


def _noting_reads(results: Iterable[PartResult], reads: list[int]) -> Iterator[PartResult]:
    """The same, with how many events each part has added to `reads`."""
    for result in results:
        reads.append(result.counts.read)
        yield result
