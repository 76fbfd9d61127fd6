"""A run over processes, its memory bounded by a shard of the customers.

| step | where | |
|---|---|---|
| cut | here | files into parts (LTV_Parts) |
| read | workers | a part: events to rows and facts, dealt to shards on disk (LTV_Shards) |
| account | here | part by part in order: counts, rejects, damage, each with its line |
| rank | workers | a shard: to Customers, and the best of them |
| join | here | the best of all shards |

Where an array or a run of objects was cut is a guess. It was right if the part before it, read from
its own begin, ends just there; if not, the file is read again as one part.
"""

import gc
import json
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count, groupby, islice
from operator import attrgetter, itemgetter
from typing import IO, NamedTuple

from LTV_Calculate import (
    Placed,
    RankedCustomer,
    Totals,
    best_customers,
    best_of,
    join_totals,
    numbered,
    totals,
)
from LTV_Crew import Crew, Task
from LTV_Errors import LATER, DamagedFileError, EventError, FileError, LTVError, reason_of
from LTV_Ingest import Rules, fact_of
from LTV_Input import plain_size
from LTV_Intake import Account
from LTV_Layouts import COLUMNS, Layout, Learner, Match
from LTV_Output import TemporaryDirectory
from LTV_Parts import Part, opened, parts_of
from LTV_Read import PartReader, Place, Unit
from LTV_Shards import Dealer, customers_of_shard
from LTV_Time import PACKED_LENGTH, pack, unpack

__all__ = ["Job", "rank_files"]

_LEAST_PART_BYTES = 1024 * 1024
_MOST_PART_BYTES = 16 * 1024 * 1024
_PARTS_PER_WORKER = 8

#: How much of the input the shards in memory at once may come from.
_BYTES_IN_MEMORY = 24 * 1024 * 1024
_LEAST_SHARDS = 256
_MOST_SHARDS = 8192

#: What is reckoned with where only reading a file tells its size.
_BYTES_OF_STREAM = 1024 * 1024 * 1024

_PLACES_TO_LEARN_FROM = 6
_UNITS_TO_LEARN_FROM = 48


class Job(NamedTuple):
    """What a run asks of all its parts and shards."""

    rules: Rules
    x: int
    lifespan: str  # years
    workers: int
    parent_directory: str  # of the temporary one


class PartResult(NamedTuple):
    """What a part came to; its lines count from its begin."""

    file: int
    number: int
    first: Place
    last: Place
    is_event_log: bool
    read: int
    later: int
    refused: Counter[str]
    latest: str  # packed
    layouts: tuple[Layout, ...]
    damage: tuple[int, int, str] | None  # line, offset, cause


class _Work(NamedTuple):
    """How parts are to be read."""

    directory: str
    shards: int
    rules: Rules
    keeps_rejects: bool

    def rows_path(self, number: int) -> str:
        return os.path.join(self.directory, f"{number:08}.rows")

    def rejects_path(self, number: int) -> str:
        return os.path.join(self.directory, f"{number:08}.rejects")


def rank_files(
    files: list[str], job: Job, account: Account
) -> tuple[list[RankedCustomer], Totals | None]:
    """The rows for the events in `files`, best first, and what all customers add up to.

    The same as `Ingest` of all events, then `topXSimpleLTVCustomers` and `totals`; None when there
    are no customers. `account` is told of every event. Raises FileError, DamagedFileError, and
    WorkerLostError.
    """
    with (
        TemporaryDirectory(job.parent_directory) as directory,
        Crew(job.workers, directory.path) as crew,
        _without_collecting(),
    ):
        run = _Run(files, job, account, directory.path, crew)
        run.read()
        return run.rank() if account.accepted else ([], None)


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
        self._bytes = sum(_BYTES_OF_STREAM if size is None else size for size in self._sizes)
        shards = self._bytes * job.workers // _BYTES_IN_MEMORY
        shards = min(max(shards, _LEAST_SHARDS), _MOST_SHARDS)
        self._work = _Work(directory, shards, job.rules, account.rejects is not None)
        self._layouts: dict[Layout, None] = {}  # in the order in which they were learnt
        self._numbers = count()
        self._kept: list[int] = []  # the parts that count
        self._latest = ""

    def read(self) -> None:
        """Read all files, and have their rows in the temporary directory."""
        results = self._crew.results(_read_part, self._tasks())
        for file, of_file in groupby(results, key=attrgetter("file")):
            parts = self._checked(self._files[file], of_file)
            if parts is None:
                whole = self._task(file, Part(self._files[file]))
                again = self._crew.results(_read_part, [whole], may_start=False)
                parts = self._checked(self._files[file], again)
            assert parts is not None, "what is read whole is not cut wrongly"
            for result, line_shift in parts:
                self._keep(result, line_shift)

    def _tasks(self) -> Iterator[Task]:
        part_bytes = self._bytes // (self._job.workers * _PARTS_PER_WORKER)
        part_bytes = min(max(part_bytes, _LEAST_PART_BYTES), _MOST_PART_BYTES)
        is_alone = self._sizes.count(None) < self._job.workers
        for number, file in enumerate(self._files):
            parts: Iterable[Part] = parts_of(file, part_bytes, is_alone=is_alone)
            if self._sizes[number] is not None:
                parts = list(parts)
                self._learn(parts)
            for part in parts:
                yield self._task(number, part)

    def _task(self, file: int, part: Part) -> Task:
        arguments = (part, file, next(self._numbers), self._work, tuple(self._layouts))
        return Task(arguments, part.is_local)

    def _learn(self, parts: list[Part]) -> None:
        """Look at a few events here and there, so that not every worker has to learn them."""
        learner = Learner((), self._job.rules.currency, None)
        behind_first = parts[1:]
        for part in behind_first[:: len(behind_first) // _PLACES_TO_LEARN_FROM + 1]:
            with suppress(LTVError), opened(part) as chunks:
                for unit in islice(_reader(part, chunks, None), _UNITS_TO_LEARN_FROM):
                    _learn_from_unit(unit, self._job.rules, learner)
        learner.end_lesson()
        self._layouts.update(dict.fromkeys(learner.layouts))

    def _checked(
        self, file: str, results: Iterable[PartResult]
    ) -> list[tuple[PartResult, int]] | None:
        """Every part of `file` with what its lines are to be shifted by; None if cut wrongly.

        Raises DamagedFileError.
        """
        parts: list[tuple[PartResult, int]] = []
        shift = 0
        before: PartResult | None = None
        for result in results:
            self._layouts.update(dict.fromkeys(result.layouts))
            if before:
                if not before.is_event_log or before.last.offset != result.first.offset:
                    deque(results, maxlen=0)  # which are done with, too
                    return None
                shift += before.last.line - result.first.line
            if result.damage:
                line, offset, cause = result.damage
                raise DamagedFileError(file, line + shift, offset, cause)
            parts.append((result, shift))
            before = result
        return parts

    def _keep(self, result: PartResult, line_shift: int) -> None:
        """Take a part into account, with its rejects."""
        account = self._account
        account.read += result.read
        account.later += result.later
        account.count_rejected(result.refused)
        if account.rejects and result.refused:
            with open(self._work.rejects_path(result.number), encoding="ascii") as lines:
                for text in lines:
                    line, offset, preview, *error = json.loads(text)
                    file = self._files[result.file]
                    account.write_reject(
                        file, line + line_shift, offset, preview, EventError(*error)
                    )
        self._kept.append(result.number)
        self._latest = max(self._latest, result.latest)

    def rank(self) -> tuple[list[RankedCustomer], Totals]:
        """The best of all shards."""
        paths = [self._work.rows_path(number) for number in self._kept]
        end = unpack(self._latest)
        shards = [Task((paths, shard, self._job, end)) for shard in range(self._work.shards)]
        best: list[Placed] = []
        all_totals: list[Totals] = []
        for placed, of_shard in self._crew.results(_rank_shard, shards, may_start=False):
            best = best_of(self._job.x, chain(best, placed))
            if of_shard:
                all_totals.append(of_shard)
        return numbered(best), join_totals(all_totals)


def _reader(part: Part, chunks: Iterator[bytes], learner: Learner | None) -> PartReader:
    return PartReader(
        part.file, chunks, learner, framing=part.framing, begin=part.begin, end=part.end
    )


def _learn_from_unit(unit: Unit | Match, rules: Rules, learner: Learner) -> None:
    assert isinstance(unit, Unit), "there are no matches without a learner"
    with suppress(EventError):
        fact_of(unit.value, rules)
        learner.learn(unit.text)


def _rank_shard(
    paths: list[str], shard: int, job: Job, end: int
) -> tuple[list[Placed], Totals | None]:
    D = customers_of_shard(paths, shard, job.rules.currency)
    best = best_customers(job.x, D, lifespan=job.lifespan, end=end)
    return best, totals(D) if D else None


def _read_part(
    part: Part, file: int, number: int, work: _Work, layouts: tuple[Layout, ...]
) -> PartResult:
    """Read `part`, and leave its rows and rejects in the temporary directory."""
    learner = Learner(layouts, work.rules.currency, None)
    damage = None
    with opened(part) as chunks, _Desk(number, work, learner) as desk:
        reader = _reader(part, chunks, learner)
        try:
            for events in reader:
                if isinstance(events, Match):
                    desk.take_match(events)
                else:
                    desk.take_unit(events)
        except DamagedFileError as error:
            damage = error.line, error.offset, error.cause
        else:
            desk.put_down()
    return PartResult(
        file,
        number,
        reader.first,
        reader.last,
        reader.is_event_log,
        desk.read,
        desk.later,
        desk.refused,
        desk.latest,
        learner.layouts,
        damage,
    )


class _Desk:
    """Where the events of one part are dealt with."""

    def __init__(self, number: int, work: _Work, learner: Learner) -> None:
        self._number = number
        self._work = work
        self._learner = learner
        self._dealer = Dealer(work.shards)
        self._rejects: IO[str] | None = None
        self._before = None if work.rules.before is None else pack(work.rules.before).encode()
        self.read = 0
        self.later = 0
        self.refused: Counter[str] = Counter()
        self.latest = ""

    def __enter__(self) -> "_Desk":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._rejects:
            self._rejects.close()

    def take_match(self, match: Match) -> None:
        """Take events that are good."""
        self.read += match.events
        for event_type, rows in match.rows:
            time = COLUMNS[event_type].index("event_time")
            kept = rows
            if self._before is not None:
                kept = [row for row in rows if row[time].ljust(PACKED_LENGTH, b"0") < self._before]
                self.later += len(rows) - len(kept)
            if kept:
                self._see(max(map(itemgetter(time), kept)).decode())
                self._dealer.deal_rows(event_type, kept)

    def take_unit(self, unit: Unit) -> None:
        """Take what may be an event."""
        self.read += 1
        try:
            if unit.error:
                raise unit.error
            fact = fact_of(unit.value, self._work.rules)
        except EventError as error:
            self._refuse(unit, error)
            return
        self._see(fact.time)
        self._dealer.deal_fact(fact)
        self._learner.learn(unit.text)

    def _see(self, time: str) -> None:
        self.latest = max(self.latest, time.ljust(PACKED_LENGTH, "0"))

    def _refuse(self, unit: Unit, error: EventError) -> None:
        if error.reason == LATER:
            self.later += 1
            return
        self.refused[error.reason] += 1
        if self._work.keeps_rejects:
            with self._spilling():
                if self._rejects is None:
                    path = self._work.rejects_path(self._number)
                    self._rejects = open(path, "x", encoding="ascii")  # noqa: SIM115 - __exit__
                place = unit.line, unit.offset, unit.preview
                row = (*place, error.reason, error.member, error.message)
                self._rejects.write(json.dumps(row) + "\n")

    def put_down(self) -> None:
        """Have all of it on disk."""
        with self._spilling():
            self._dealer.write(self._work.rows_path(self._number))
            if self._rejects:
                self._rejects.flush()

    @contextmanager
    def _spilling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            parent = os.path.dirname(self._work.directory)
            raise FileError(parent, f"cannot be written: {reason_of(error)}") from None
