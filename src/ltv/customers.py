"""Which D a run has: all customers by id, wherever they are kept.

| D | for |
|---|---|
| a dict | few events |
| ShardedCustomers | many: shards of customers on disk, over worker processes |
| StoredCustomers | `--store`: a file that keeps what is known between runs |
"""

import os
from collections.abc import Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ltv.account import Account, EventLogs
from ltv.options import Options
from ltv.output.formats import FORMATS_WITH_FIGURES
from ltv.progress import Progress
from ltv.reading.files import is_large
from ltv.report.figures import Activity, Figures, NewCustomers, figures_of_parts
from LTV_Calculate import (
    Candidate,
    Gather,
    Gathered,
    Ranking,
    Totals,
    best_customers,
    count_before,
    count_ranked,
    gathered,
    totals,
)
from LTV_Classes import Customer, without_collecting
from LTV_Ingest import Ingest, Rules

if TYPE_CHECKING:
    from ltv.parallel.driver import ShardedCustomers
    from ltv.store.session import Session


class StoredCustomers:
    """A store that the events of a run are joined into; ranked where it is.

    With `shards`, the events need not fit in memory.
    """

    def __init__(
        self,
        session: "Session",
        shards: "ShardedCustomers | None",
        options: Options,
        progress: Progress,
    ) -> None:
        self._lifespan = options.lifespan
        self._progress = progress
        if shards:
            shards.start()  # SQLite does not bear that a process inherits its connections
        self.store = session.open()
        self._shards = shards

    def ingest(self, logs: EventLogs, rules: Rules, account: Account) -> None:
        """Have the store know the events."""
        if self._shards:
            Ingest(logs, self._shards, **rules._asdict(), errors=account)
            if account.accepted:
                self._shards.join_into(self.store)
        else:
            D: dict[str, Customer] = {}
            self.store.join(Ingest(logs, D, **rules._asdict(), errors=account).values())

    def end(self) -> int:
        """Return the latest time of any event that the store knows."""
        return self.totals().end

    def best_customers(self, x: int, ranking: Ranking) -> list[Candidate]:
        """Return the best `x` of the store (LTV_Calculate.best_customers)."""
        return best_customers(x, self.store, ranking)

    def count_ranked(self, ranking: Ranking) -> int:
        """Return how many customers of the store are ranked."""
        return count_ranked(self.store, ranking, end=self.end())

    def count_before(self, candidate: Candidate, ranking: Ranking) -> int:
        """Return how many customers of the store come before one."""
        return count_before(candidate, self.store, ranking, end=self.end())

    def gathered(self, gather: Gather[Gathered]) -> Iterable[Gathered]:
        """Return what `gather` makes of the store (LTV_Calculate.gathered)."""
        return gathered(self.store, gather)

    def totals(self) -> Totals:
        """Return what all customers of the store add up to."""
        return totals(self.store)

    def figures(self) -> Figures:
        """Return the figures of the report."""
        known = self.totals()
        parts = told_of(self.store.activities(), known.customers, self._progress)
        return figures_of_parts(parts, known.end, self._lifespan)

    def get(self, customer_id: str) -> Customer | None:
        """Return what the store knows of a customer."""
        return self.store.get(customer_id)

    def rows_of(self, customer_id: str) -> dict[str, list[tuple[str, int]]]:
        """Return the rows of CSV of this run that orders of a customer stand in, by their keys."""
        return self._shards.rows_of(customer_id) if self._shards else {}

    def ids_beginning(self, prefix: str, most: int) -> list[str]:
        """Return the first `most` ids in the store that begin so, in code-point order."""
        return self.store.ids_beginning(prefix, most)


def told_of(
    parts: Iterable[tuple[NewCustomers, Activity]], total: int, progress: Progress
) -> Iterator[tuple[NewCustomers, Activity]]:
    """Yield the same parts of `total` customers, and say how far that is."""
    done = 0
    for part in parts:
        progress.rank(done, total)
        yield part
        done += len(part[0].begins)


if TYPE_CHECKING:
    Customers = MutableMapping[str, Customer] | ShardedCustomers | StoredCustomers


@contextmanager
def customers(
    options: Options, files: list[str], progress: Progress, session: "Session | None"
) -> "Iterator[Customers]":
    """Give the D for the events of these files, and for what the store of `session` knows."""
    with without_collecting():
        large = is_large(files)
        is_dealt = options.csv is not None or options.backtest is not None
        if large or is_dealt:  # which both need all that a shard was told
            from ltv.parallel.driver import Job, sharded_customers  # noqa: PLC0415 - if large

            workers = (options.workers or processor_count()) if large else 1
            figures = has_figures(options)
            job = Job(options.x, options.lifespan, workers, options.temp, figures, options.csv)
            with sharded_customers(job, progress) as shards:
                yield StoredCustomers(session, shards, options, progress) if session else shards
        else:
            yield StoredCustomers(session, None, options, progress) if session else {}


def has_figures(options: Options) -> bool:
    """Whether what is written has the figures of all customers."""
    return options.explain is None and options.format in FORMATS_WITH_FIGURES


def processor_count() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - elsewhere than on Linux
