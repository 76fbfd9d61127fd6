"""A run over processes, its memory bounded by a shard of the customers.

| step | where | |
|---|---|---|
| cut | here | files into parts (ltv.parallel.parts) |
| read | workers | a part: events to lines, dealt to shards on disk (ltv.parallel.shards) |
| account | here | part by part in order: counts, rejects, damage, each with its line |
| rank | workers | a shard: column by column, to the best of its customers |
| join | here | the best of all shards |

With a store, what the customers of a shard change in it is found by workers, and written here.

Where an array or a run of objects was cut is a guess. It was right if the part before it, read from
its own begin, ends just there; if not, the file is read again as one part.
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from ltv.account import Account
from ltv.errors import EventError, LTVError
from ltv.output.explain import Explanation, UnknownCustomerError, alike, explained
from ltv.output.target import TemporaryDirectory
from ltv.parallel.parts import Part, is_cut, parts_of
from ltv.parallel.pool import Crew, Task
from ltv.parallel.workers import (
    PartResult,
    Work,
    alike_in_shards,
    changes_of_shards,
    count_in_shards,
    explain_in_shard,
    layouts_in,
    rank_shards,
    read_parts,
)
from ltv.progress import Progress
from ltv.reading.files import likely_size, plain_size, raw_size, state_of_file
from ltv.reading.framing import LINES
from ltv.reading.layouts import Layout, bounded
from ltv.reading.state import FileState
from ltv.report.figures import Figures, join, no_figures
from ltv.times import unpack
from ltv.values import shard_of
from LTV_Calculate import Candidate, RankedCustomer, Totals, best_of, join_totals, ranked
from LTV_Ingest import Rules

if TYPE_CHECKING:
    from ltv.store.sqlite import Store

__all__ = ["Job", "explain_files", "join_files", "rank_files"]

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

    rules: Rules
    x: int
    lifespan: str  # years
    workers: int
    temp: str | None  # where the temporary directory is made; None for the system's place
    with_figures: bool = False  # or else there are none in what it comes to


def rank_files(
    files: list[str], job: Job, account: Account, progress: Progress
) -> tuple[list[RankedCustomer], Totals | None, Figures]:
    """The rows for the events in `files`, best first, and what all customers add up to.

    The same as `Ingest` of all events, then `topXSimpleLTVCustomers` and `totals`; None when there
    are no customers. `account` is told of every event, and `progress` how far the run is. Raises
    FileError, DamagedFileError, and WorkerLostError.
    """
    with _begun(files, job, account, progress) as run:
        run.read()
        return run.rank() if account.accepted else ([], None, no_figures())


def explain_files(
    files: list[str], customer_id: str, job: Job, account: Account, progress: Progress
) -> tuple[Explanation | None, Totals | None]:
    """Everything that went into the value of one customer, and what all customers add up to.

    The same as `Ingest` of all events, then `explain` and `totals`; for the rest as `rank_files`.
    Raises UnknownCustomerError, too.
    """
    with _begun(files, job, account, progress) as run:
        run.read()
        return run.explain(customer_id) if account.accepted else (None, None)


@contextmanager
def _begun(files: list[str], job: Job, account: Account, progress: Progress) -> Iterator["_Run"]:
    """A run that has read nothing yet."""
    with (
        TemporaryDirectory(job.temp) as directory,
        Crew(job.workers, directory.path, progress.paused) as crew,
    ):
        yield _Run(files, job, account, progress, directory.path, crew)


def join_files(
    files: list[str],
    job: Job,
    account: Account,
    progress: Progress,
    open_store: Callable[[], "Store"],
) -> "Store":
    """The store, with the events in `files` joined into it; they need not fit in memory.

    The same as `Ingest` of all events; for the rest as `rank_files`.
    """
    with _begun(files, job, account, progress) as run:
        run.start()  # SQLite does not bear that a process inherits its connections
        store = open_store()
        run.read()
        if account.accepted:
            run.join(store)
        return store


class _Run:
    """What this process knows of a run."""

    def __init__(
        self,
        files: list[str],
        job: Job,
        account: Account,
        progress: Progress,
        directory: str,
        crew: Crew,
    ) -> None:
        self._files = files
        self._job = job
        self._account = account
        self._progress = progress
        self._crew = crew
        self._sizes = [plain_size(file) for file in files]
        self._bytes = sum(
            likely_size(file) if size is None else size
            for file, size in zip(files, self._sizes, strict=True)
        )
        wanted = min(max(self._bytes // _SHARD_BYTES, _LEAST_SHARDS), _MOST_SHARDS)
        shards = 1 << (wanted.bit_length() - 1)  # a power of two, as the shards of a store are
        tally = progress.tally_in(directory)
        self._work = Work(directory, shards, job.rules, account.rejects is not None, tally)
        self._layouts: dict[Layout, None] = {}  # in the order in which they were learnt
        self._numbers = count()
        self._states: dict[int, FileState | None] = {}  # of files in parts, when each was begun
        self._rows: dict[str, None] = {}  # the files with rows that count

    def read(self) -> None:
        """Read all files, and have their rows in the temporary directory."""
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

    def _results(self, tasks: Iterable[Task], *, may_start: bool = True) -> Iterator[PartResult]:
        return chain.from_iterable(self._crew.results(read_parts, tasks, may_start=may_start))

    def _tasks(self) -> Iterator[Task]:
        """Each part as a task; small files that follow each other as one."""
        wanted = self._bytes // (self._job.workers * _PARTS_PER_WORKER)
        most = min(_MOST_PART_BYTES, _MOST_BYTES_AT_ONCE // self._job.workers)
        part_bytes = max(min(wanted, most), _LEAST_PART_BYTES)
        is_alone = self._sizes.count(None) < self._job.workers
        small: list[tuple[int, Part]] = []
        room = part_bytes
        for number, file in enumerate(self._files):
            size = self._sizes[number]
            if small and (size is None or size > room):
                yield self._task(small)
                small, room = [], part_bytes
            if size is not None and size <= room:
                small.append((number, Part(file)))
                room -= size
                continue
            try:
                for part in self._parts(number, part_bytes, is_alone=is_alone):
                    yield self._task([(number, part)])
            except LTVError as error:
                yield Task((), error=error)  # behind what is wrong with earlier files
        if small:
            yield self._task(small)

    def _parts(self, number: int, part_bytes: int, *, is_alone: bool) -> Iterable[Part]:
        file = self._files[number]
        state = self._states[number] = state_of_file(file)
        parts = parts_of(file, part_bytes, is_alone=is_alone, state=state, count=self._progress.add)
        if not is_cut(state):
            return parts  # each to be read before there is another
        cut = list(parts)
        step = len(cut) // _PLACES_TO_LEARN_FROM + 1
        self._remember(layouts_in(cut[1::step], self._job.rules))
        return cut

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
                raise result.damage.shifted(shift)
            parts.append((result, shift))
            before = result
        return parts

    def _keep(self, result: PartResult, line_shift: int) -> None:
        """Take a part into account, with its rejects."""
        account = self._account
        account.read += result.read
        account.later += result.later
        account.count_rejected(result.refused)
        if result.rejects:
            file = self._files[result.file]
            with open(result.rejects, encoding="ascii") as rejects:
                for reject in map(json.loads, rejects):
                    line, offset, preview, *error = reject
                    account.write_reject(
                        file, line + line_shift, offset, preview, EventError(*error)
                    )
        self._rows.update(dict.fromkeys(result.rows))
        account.times.join(result.times)

    def rank(self) -> tuple[list[RankedCustomer], Totals, Figures]:
        """The best of all shards."""
        lifespan = self._job.lifespan if self._job.with_figures else None
        all_totals: list[Totals] = []
        figures = no_figures()

        def best_of_each() -> Iterator[list[Candidate]]:
            nonlocal figures
            for candidates, some, more in self._of_shards(
                rank_shards, self._job.x, *self._to_rank(), lifespan
            ):
                all_totals.extend(some)
                figures = join(figures, more)
                yield candidates

        best = best_of(self._job.x, chain.from_iterable(best_of_each()))
        return ranked(best, self._job.lifespan), join_totals(all_totals), figures

    def explain(self, customer_id: str) -> tuple[Explanation, Totals]:
        """What the shard of the customer knows, and its rank among the customers of all shards.

        Raises UnknownCustomerError.
        """
        shard = shard_of(customer_id, self._work.shards)
        evidence = explain_in_shard(list(self._rows), shard, customer_id, *self._to_rank())
        if evidence is None:
            some = self._of_shards(alike_in_shards, customer_id, self._job.rules)
            raise UnknownCustomerError(customer_id, alike(customer_id, chain.from_iterable(some)))
        counts = self._of_shards(count_in_shards, evidence.candidate, *self._to_rank())
        befores, all_totals = zip(*counts, strict=True)
        explanation = explained(evidence, sum(befores), self._job.lifespan)
        return explanation, join_totals(chain.from_iterable(all_totals))

    def start(self) -> None:
        """Start the workers, before there is anything that they are not to inherit."""
        self._crew.start()

    def join(self, store: "Store") -> None:
        """Have all shards in the store."""
        for changes in self._of_shards(changes_of_shards, self._job.rules, store.known_path):
            store.write(changes)

    def _to_rank(self) -> tuple[Rules, int]:
        """What workers have to know beside the rows, to rank them: the rules and the end."""
        return self._job.rules, unpack(self._account.times.latest)

    def _of_shards(self, function: Callable[..., Any], *arguments: object) -> Iterator[Any]:
        """What `function` gives for the rows of some shards after the other, until all are done."""
        paths = list(self._rows)
        shards = range(self._work.shards)
        fair = len(shards) // (self._job.workers * _PARTS_PER_WORKER)
        many = max(min(fair, _MOST_SHARDS_AT_ONCE), 1)
        tasks = [
            Task((paths, shards[first : first + many], *arguments))
            for first in range(0, len(shards), many)
        ]
        self._progress.rank(0, len(tasks))
        results = self._crew.results(function, tasks, may_start=False)
        for done, result in enumerate(results, 1):
            self._progress.rank(done, len(tasks))
            yield result


def _noting_reads(results: Iterable[PartResult], reads: list[int]) -> Iterator[PartResult]:
    """The same, with how many events each part has added to `reads`."""
    for result in results:
        reads.append(result.read)
        yield result
