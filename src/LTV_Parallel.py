"""A run over processes, its memory bounded by a shard of the customers.

| step | where | |
|---|---|---|
| cut | here | files into parts (LTV_Parts) |
| read | workers | a part: events to rows and facts, dealt to shards on disk (LTV_Shards) |
| account | here | part by part in order: counts, rejects, damage, each with its line |
| rank | workers | a shard: to Customers, and the best of them |
| join | here | the best of all shards |

With a store, what the customers of a shard change in it is found by workers, and written here.

Where an array or a run of objects was cut is a guess. It was right if the part before it, read from
its own begin, ends just there; if not, the file is read again as one part.
"""

import gc
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, count, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from LTV_Calculate import Candidate, RankedCustomer, Totals, best_of, join_totals, ranked
from LTV_Crew import Crew, Task
from LTV_Errors import EventError, LTVError
from LTV_Ingest import Rules
from LTV_Input import likely_size, plain_size
from LTV_Intake import Account
from LTV_Layouts import Layout, bounded
from LTV_Output import TemporaryDirectory
from LTV_Parts import Part, parts_of
from LTV_Read import LINES
from LTV_Time import unpack
from LTV_Worker import (
    PartResult,
    Work,
    changes_of_shards,
    layouts_in,
    rank_shards,
    read_parts,
)

if TYPE_CHECKING:
    from LTV_Store import Store

__all__ = ["Job", "join_files", "rank_files"]

_LEAST_PART_BYTES = 1024 * 1024
_MOST_PART_BYTES = 16 * 1024 * 1024
_MOST_BYTES_AT_ONCE = 64 * 1024 * 1024  # in the parts of all workers
_PARTS_PER_WORKER = 8

#: About as much of the input has what is known of a shard in the processor's cache.
_SHARD_BYTES = 512 * 1024
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


def rank_files(
    files: list[str], job: Job, account: Account
) -> tuple[list[RankedCustomer], Totals | None]:
    """The rows for the events in `files`, best first, and what all customers add up to.

    The same as `Ingest` of all events, then `topXSimpleLTVCustomers` and `totals`; None when there
    are no customers. `account` is told of every event. Raises FileError, DamagedFileError, and
    WorkerLostError.
    """
    with (
        TemporaryDirectory(job.temp) as directory,
        Crew(job.workers, directory.path) as crew,
        _without_collecting(),
    ):
        run = _Run(files, job, account, directory.path, crew)
        run.read()
        return run.rank() if account.accepted else ([], None)


def join_files(
    files: list[str], job: Job, account: Account, open_store: Callable[[], "Store"]
) -> "Store":
    """The store, with the events in `files` joined into it; they need not fit in memory.

    The same as `Ingest` of all events. `account` is told of every event. Raises FileError,
    DamagedFileError, and WorkerLostError.
    """
    with (
        TemporaryDirectory(job.temp) as directory,
        Crew(job.workers, directory.path) as crew,
        _without_collecting(),
    ):
        crew.start()  # SQLite does not bear that a process inherits its connections
        store = open_store()
        run = _Run(files, job, account, directory.path, crew)
        run.read()
        if account.accepted:
            run.join(store)
        return store


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing here makes cycles, and much is made."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Run:
    """What this process knows of a run."""

    def __init__(
        self, files: list[str], job: Job, account: Account, directory: str, crew: Crew
    ) -> None:
        self._files = files
        self._job = job
        self._account = account
        self._crew = crew
        self._sizes = [plain_size(file) for file in files]
        self._bytes = sum(
            likely_size(file) if size is None else size
            for file, size in zip(files, self._sizes, strict=True)
        )
        wanted = min(max(self._bytes // _SHARD_BYTES, _LEAST_SHARDS), _MOST_SHARDS)
        shards = 1 << (wanted - 1).bit_length()  # a power of two, as the shards of a store are
        self._work = Work(directory, shards, job.rules, account.rejects is not None)
        self._layouts: dict[Layout, None] = {}  # in the order in which they were learnt
        self._numbers = count()
        self._rows: dict[str, None] = {}  # the files with rows that count

    def read(self) -> None:
        """Read all files, and have their rows in the temporary directory."""
        for file, of_file in groupby(self._results(self._tasks()), key=attrgetter("file")):
            parts = self._checked(of_file)
            if parts is None:
                again = self._task([(file, Part(self._files[file]))])
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
                for part in self._parts(file, part_bytes, is_alone=is_alone):
                    yield self._task([(number, part)])
            except LTVError as error:
                yield Task((), error=error)  # behind what is wrong with earlier files
        if small:
            yield self._task(small)

    def _parts(self, file: str, part_bytes: int, *, is_alone: bool) -> Iterable[Part]:
        parts = parts_of(file, part_bytes, is_alone=is_alone)
        if plain_size(file) is None:
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

    def rank(self) -> tuple[list[RankedCustomer], Totals]:
        """The best of all shards."""
        paths = list(self._rows)
        end = unpack(self._account.times.latest)
        tasks = [
            Task((paths, shards, self._job.x, self._job.rules, end))
            for shards in self._shards_of_tasks()
        ]
        all_totals: list[Totals] = []

        def best_of_each() -> Iterator[list[Candidate]]:
            for candidates, some in self._crew.results(rank_shards, tasks, may_start=False):
                all_totals.extend(some)
                yield candidates

        best = best_of(self._job.x, chain.from_iterable(best_of_each()))
        return ranked(best, self._job.lifespan), join_totals(all_totals)

    def join(self, store: "Store") -> None:
        """Have all shards in the store."""
        arguments = self._job.rules, store.known_path
        paths = list(self._rows)
        tasks = [Task((paths, shards, *arguments)) for shards in self._shards_of_tasks()]
        for changes in self._crew.results(changes_of_shards, tasks, may_start=False):
            store.write(changes)

    def _shards_of_tasks(self) -> Iterator[range]:
        shards = range(self._work.shards)
        fair = len(shards) // (self._job.workers * _PARTS_PER_WORKER)
        many = max(min(fair, _MOST_SHARDS_AT_ONCE), 1)
        for first in range(0, len(shards), many):
            yield shards[first : first + many]
