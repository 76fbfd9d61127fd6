"""What workers do: read parts of the input into shards, and rank shards.

| task | from | to |
|---|---|---|
| `read_parts` | parts of files | rows in the temporary directory; counts, rejects, damage of each |
| `rank_shards` | rows of all parts | the best customers of some shards, and what all add up to |
| `explain_in_shard` | the same | what is known of one customer |
| `count_in_shards` | the same | how many customers of some shards come before that one |
| `alike_in_shards` | the same | ids that may have been meant when that one is not known |
| `changes_of_shards` | rows of all parts | what joining some shards changes in a store |
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice
from typing import IO, TYPE_CHECKING, NamedTuple

from ltv.clock import LatestTimes
from ltv.errors import LATER, DamagedFileError, EventError, LTVError
from ltv.output.explain import Evidence, alike, evidence_of
from ltv.output.target import writing_in
from ltv.parallel.parts import Part, opened
from ltv.parallel.shards import Dealer, customers_of_shards, rows_of_shards
from ltv.parallel.tallies import DaySums, Tallies
from ltv.progress import Tally
from ltv.reading.framing import PartReader, Place, Unit
from ltv.reading.layouts import Layout, Learner, Match
from ltv.report.figures import Figures, add_begun, add_moves, no_figures
from ltv.times import lengthened, pack, shortened
from LTV_Calculate import Candidate, Totals, best_customers, best_of, count_before
from LTV_Ingest import Rules, fact_of

if TYPE_CHECKING:
    from ltv.store.changes import Change

__all__ = [
    "PartResult",
    "Work",
    "alike_in_shards",
    "changes_of_shards",
    "count_in_shards",
    "explain_in_shard",
    "layouts_in",
    "rank_shards",
    "read_parts",
]


_UNITS_TO_LEARN_FROM = 48

_MOST_EVENTS_HELD = 250_000  # about 25 MB


class Work(NamedTuple):
    """What all tasks of a run have in common."""

    directory: str  # the temporary one
    shards: int
    rules: Rules
    keeps_rejects: bool
    tally: str | None  # the path for it

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
    first: Place
    last: Place
    is_event_log: bool
    read: int
    later: int
    refused: Counter[str]  # by reason
    rejects: str | None  # the path of the file with them
    times: LatestTimes
    layouts: tuple[Layout, ...]
    damage: DamagedFileError | None
    rows: tuple[str, ...] = ()  # the paths of the files with those of all parts of its task


def read_parts(
    parts: Iterable[tuple[int, Part]], task: int, work: Work, layouts: tuple[Layout, ...]
) -> list[PartResult]:
    """Read parts, each with the number of its file, up to one that is damaged.

    `layouts` are known already. Leaves the rows and the rejects in the temporary directory. Raises
    FileError.
    """
    learner = Learner(layouts, work.rules.currency, None)
    rows = _Rows(work, task)
    results: list[PartResult] = []
    with Tally(work.tally) as tally:
        for number, (file, part) in enumerate(parts):
            learner.separator = None
            desk = _Desk(work, work.rejects_path(task, number), rows, learner)
            results.append(_read_part(file, part, desk, learner, tally))
            if results[-1].damage:
                return results
    rows.write()
    return [result._replace(rows=tuple(rows.paths)) for result in results]


def _read_part(file: int, part: Part, desk: "_Desk", learner: Learner, tally: Tally) -> PartResult:
    damage = None
    telling = _Telling(part, desk, tally)
    with opened(part, telling.count) as chunks, desk, telling:
        reader = _reader(part, telling.each(chunks), learner)
        try:
            for events in reader:
                if isinstance(events, Match):
                    desk.take_match(events)
                else:
                    desk.take_unit(events)
        except DamagedFileError as error:
            damage = error
    return PartResult(
        file,
        part.framing,
        reader.first,
        reader.last,
        reader.is_event_log,
        desk.read,
        desk.later,
        desk.refused,
        desk.rejects_path,
        desk.times,
        learner.layouts,
        damage,
    )


def _reader(part: Part, chunks: Iterator[bytes], learner: Learner | None) -> PartReader:
    return PartReader(
        part.file, chunks, learner, framing=part.framing, begin=part.begin, end=part.end
    )


def layouts_in(parts: list[Part], rules: Rules) -> tuple[Layout, ...]:
    """The layouts of a few good events at the begin of each part, so far as they can be read."""
    learner = Learner((), rules.currency, None)
    for part in parts:
        with suppress(LTVError), opened(part) as chunks:
            for unit in islice(_reader(part, chunks, None), _UNITS_TO_LEARN_FROM):
                assert isinstance(unit, Unit), "there are no matches without a learner"
                with suppress(EventError):
                    fact_of(unit.value, rules)
                    learner.learn(unit.text)
    learner.end_lesson()
    return learner.layouts


class _Telling:
    """Has the tally know what is read of a part, whenever more of it is read."""

    def __init__(self, part: Part, desk: "_Desk", tally: Tally) -> None:
        self._desk = desk
        self._tally = tally
        self._room = sys.maxsize if part.end is None else part.end - part.begin
        self._bytes = 0
        self._events = 0

    def count(self, byte_count: int) -> None:
        """Take bytes into account; those behind the part are of another."""
        self._bytes += min(byte_count, self._room)
        self._room -= min(byte_count, self._room)

    def each(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        for chunk in chunks:
            self._tell()
            yield chunk

    def _tell(self) -> None:
        self._tally.add(self._bytes, self._desk.read - self._events)
        self._bytes, self._events = 0, self._desk.read

    def __enter__(self) -> "_Telling":
        return self

    def __exit__(self, *exception: object) -> None:
        self._tell()


class _Rows:
    """What the events of a task are dealt out to, put on disk before it is too much to hold."""

    def __init__(self, work: Work, task: int) -> None:
        self._work = work
        self._task = task
        self.dealer = Dealer(work.shards)
        self.paths: list[str] = []

    def write_if_many(self) -> None:
        """Put what is held on disk if it is much. Raises FileError."""
        if self.dealer.held > _MOST_EVENTS_HELD:
            self.write()

    def write(self) -> None:
        """Put what is held on disk. Raises FileError."""
        self.paths.append(self._work.rows_path(self._task, len(self.paths)))
        with writing_in(self._work.directory):
            self.dealer.write(self.paths[-1])


class _Desk:
    """Where the events of one part are dealt with."""

    def __init__(self, work: Work, rejects_path: str, rows: _Rows, learner: Learner) -> None:
        self._work = work
        self._path_for_rejects = rejects_path
        self._rows = rows
        self._learner = learner
        self._rejects: IO[str] | None = None
        before = work.rules.before
        self._before = None if before is None else shortened(pack(before).encode())
        self.read = 0
        self.later = 0
        self.refused: Counter[str] = Counter()
        self.times = LatestTimes()

    @property
    def rejects_path(self) -> str | None:
        """Where the rejects are, if there are any."""
        return self._path_for_rejects if self._rejects else None

    def __enter__(self) -> "_Desk":
        return self

    def __exit__(self, *exception: object) -> None:
        if self._rejects:
            with writing_in(self._work.directory):
                self._rejects.close()

    def take_match(self, match: Match) -> None:
        """Take events that are good."""
        self.read += match.events
        for event_type, rows in match.rows:
            kept = rows
            if self._before is not None:
                kept = [row for row in rows if row[0] < self._before]  # their times are short
                self.later += len(rows) - len(kept)
            if kept:
                self._see([row[0] for row in kept])
                self._rows.dealer.deal_rows(event_type, kept)
        self._rows.write_if_many()

    def take_unit(self, unit: Unit) -> None:
        """Take what may be an event."""
        self.read += 1
        if unit.error:
            self._refuse(unit, unit.error)
            return
        try:
            fact = fact_of(unit.value, self._work.rules)
        except EventError as error:
            self._refuse(unit, error)
            return
        self.times.see(fact.time)
        self._rows.dealer.deal_fact(fact)
        self._rows.write_if_many()
        self._learner.learn(unit.text)

    def _see(self, times: list[bytes]) -> None:
        self.times.see_all(_packed(max(times)), map(_packed, times))

    def _refuse(self, unit: Unit, error: EventError) -> None:
        if error.reason == LATER:
            self.later += 1
            return
        self.refused[error.reason] += 1
        if not self._work.keeps_rejects:
            return
        place = unit.line, unit.offset, unit.preview
        row = (*place, error.reason, error.member, error.message)
        with writing_in(self._work.directory):
            if self._rejects is None:
                self._rejects = open(self._path_for_rejects, "x", encoding="ascii")  # noqa: SIM115 - __exit__
            self._rejects.write(json.dumps(row) + "\n")


def _packed(short: bytes) -> str:
    return lengthened(short.decode())


def rank_shards(
    paths: list[str], shards: range, x: int, rules: Rules, end: int, lifespan: str | None
) -> tuple[list[Candidate], list[Totals], Figures]:
    """The best `x` customers of `shards`, from the files of rows, and what the shards add up to.

    `end` is that of all the data, in microseconds since 1970; the lifespan is in years, None where
    no figures are wanted.
    """
    all_totals = []
    figures = no_figures()
    sums = DaySums()

    def best_of_each() -> Iterator[list[Candidate]]:
        nonlocal figures
        for rows in rows_of_shards(paths, shards):
            D = Tallies(rows, rules.currency, end)
            if D:
                all_totals.append(D.totals())
                if lifespan is not None:
                    figures = add_begun(figures, D.begun(), end, lifespan)
                    D.add_to(sums)
                yield best_customers(x, D, end=end)

    best = best_of(x, chain.from_iterable(best_of_each()))
    return best, all_totals, add_moves(figures, sums.moves(), end)


def explain_in_shard(
    paths: list[str], shard: int, customer_id: str, rules: Rules, end: int
) -> Evidence | None:
    """What is known of the customer that is in `shard`, if anywhere; arguments as `rank_shards`."""
    (D,) = customers_of_shards(paths, range(shard, shard + 1), rules.currency)
    return evidence_of(customer_id, D, end)


def count_in_shards(
    paths: list[str], shards: range, candidate: Candidate, rules: Rules, end: int
) -> tuple[int, list[Totals]]:
    """How many customers of `shards` come before `candidate`, and what each shard adds up to."""
    before = 0
    all_totals = []
    for rows in rows_of_shards(paths, shards):
        D = Tallies(rows, rules.currency, end)
        if D:
            before += count_before(candidate, D, end=end)
            all_totals.append(D.totals())
    return before, all_totals


def alike_in_shards(paths: list[str], shards: range, customer_id: str, rules: Rules) -> list[str]:
    """The first few ids of customers of `shards` that are like `customer_id`."""
    all_customers = customers_of_shards(paths, shards, rules.currency)
    return alike(customer_id, chain.from_iterable(all_customers))


def changes_of_shards(
    paths: list[str], shards: range, rules: Rules, store: str | None
) -> "list[Change]":
    """What joining the customers of `shards`, from the files of rows, changes in `store`.

    That is the path of one that this run has open, or None while it is empty.
    """
    from ltv.store.sqlite import changes_to_store  # noqa: PLC0415 - only some runs have a store

    customers = (
        customer
        for D in customers_of_shards(paths, shards, rules.currency)
        for customer in D.values()
    )
    return changes_to_store(store, customers)
