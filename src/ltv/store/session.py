"""A run that goes on from a store: when it may, and when it is kept (SPEC, section 8).

with Session(path, rules, is_written=True) as session:
    D = session.open()
    Ingest(events, D)
    session.check(latest)
    session.keep()
"""

from copy import copy
from typing import TYPE_CHECKING

from ltv.address import is_address
from ltv.clock import Edge
from ltv.errors import FileError
from ltv.times import DAY, day_text, pack
from LTV_Calculate import Totals
from LTV_Ingest import Rules

if TYPE_CHECKING:
    from ltv.store import mongodb, sqlite

    Store = mongodb.Store | sqlite.Store


def store_at(path: str, currency: str = "USD", *, is_written: bool = True) -> "Store":
    """Return the store at `path`, the name of a file or the address of a database."""
    if is_address(path):
        from ltv.store import mongodb  # noqa: PLC0415 - only some stores are on a server

        return mongodb.Store(path, currency, is_written=is_written)
    from ltv.store import sqlite  # noqa: PLC0415 - as above

    return sqlite.Store(path, currency, is_written=is_written)


class Session:
    """The store at `path` in a run with these `rules`; nothing of the run is in it before `keep`.

    Not `is_written`: the run ranks what is there.
    """

    def __init__(self, path: str, rules: Rules, *, is_written: bool) -> None:
        self.path = path
        self.is_written = is_written
        self._rules = rules
        self._store = store_at(path, rules.currency, is_written=is_written)
        self.is_kept = False
        self._known: Totals | None = None  # before this run

    def __enter__(self) -> "Session":
        return self

    def __exit__(self, *exception: object) -> None:
        self._store.close()

    def open(self) -> "Store":
        """The store. Raises FileError, also when it knows what this run is not to rank."""
        self._store.open()
        known = self._store.totals()
        if known.customers:
            self._known = known
            self._check_span(known)
        return self._store

    def _check_span(self, known: Totals) -> None:
        """Raise FileError when the store knows events outside the span that is asked for."""
        since, before = self._rules.since, self._rules.before
        if since is not None and known.begin < since:
            knows = f"from {day_text(known.begin)} on, earlier than {day_text(since)}"
            what = "what came since"
        elif before is not None and known.end >= before:
            knows = f"up to {day_text(known.end)}, later than {day_text(before - DAY)}"
            what = "the past"
        else:
            return
        remedy = f"to rank {what}, give the files and no --store"
        raise FileError(self.path, f"this store knows events {knows}; {remedy}")

    def joined(self, edges: tuple[Edge, Edge]) -> list[Edge]:
        """Return the edges of this run's times less what the store knew already.

        One is as if there were no times where the store had one as far out.
        """
        if self._known is None:
            return [*edges]
        joined = []
        for edge, known in zip(edges, (self._known.begin, self._known.end), strict=True):
            both, time = copy(edge), pack(known)
            is_news = edge.time not in ("", time) and not both.see(time)
            joined.append(both if is_news else Edge(edge.side))
        return joined

    def check(self, latest: Edge) -> None:
        """Raise FileError when the latest event of this run, an edge of `joined`, stands alone."""
        if self._rules.before is None and latest.oddity:
            where = f"{latest.place}: " if latest.place else ""
            raise FileError(self.path, f"this store was left as it was: {where}{latest.oddity}")

    def keep(self) -> None:
        """Have all of the run in the store. Raises FileError."""
        if self.is_written:
            self._store.commit()
            self.is_kept = True
