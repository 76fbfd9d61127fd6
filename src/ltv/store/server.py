"""The database of a store on a MongoDB server: who may use it, and which run is in it.

A server without a replica set has no transactions, and those of one end after a minute. So what is
kept of a run is decided by one update of one document, the head:

| collection | |
|---|---|
| `head` | one document: whose database it is, the number of the last run, what that left to do |
| `customers`, `facts` | what the runs up to that one know (ltv.store.documents) |
| `customers_TOKEN`, `facts_TOKEN` | what a run writes, of whole customers: staged |

A run stages its customers, and commits by having its number and its token put into the head. Then
the staged documents are merged into the others, each in the place of one of an earlier run alone:
so it does no harm to begin that again, and the next run that writes does, where one was killed.
Until it is done, whoever reads takes what is staged first.

The first run of all has nothing to merge with: it writes into `customers` itself, which nobody
reads before the head has its number. Who comes after one that was killed there has collections of
its own (`base` in the head is what their names end in): the other may only have been stopped.

One run writes at a time: it has a lease in the head, by the clock of the server, which it renews.
Who lost it, having been stopped for long, cannot commit, since the head has another owner.
"""

import contextlib
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from ltv.address import Address
from ltv.errors import FileError
from ltv.store.documents import is_head
from ltv.store.kept import check_currency, check_layout
from ltv.store.server_errors import CHANGED, DAMAGED, LOST, server_errors, unusable
from LTV_Calculate import Totals

PROGRAM = "ltv-engine"

#: Which documents there are, and how they came to be: a store of another layout is not read.
LAYOUT = 1

KINDS = ("facts", "customers")

#: How long to wait for another run, and for a server.
_PATIENCE = 5.0  # seconds

#: How long a run that was killed keeps others from writing.
_LEASE = 30.0  # seconds

_BETWEEN_TRIES = 0.1  # seconds

_HEAD = {"_id": "store"}
_OURS = re.compile(r"(?:facts|customers)(?:_[0-9a-f]{12})?", re.ASCII)

_NOW = {"$toLong": "$$NOW"}  # milliseconds; as a date it does not compare with stored ones


def _leased_until() -> dict[str, Any]:
    return {"$add": [_NOW, int(_LEASE * 1000)]}


#: A staged document takes the place of one of an earlier run alone.
_INTO_PLACE = [{"$replaceWith": {"$cond": [{"$lt": ["$run", "$$new.run"]}, "$$new", "$$ROOT"]}}]

#: How many documents are looked for or taken out by one call.
_IDS_AT_ONCE = 100

_IN_USE = "another run is using this store, try again when it has ended"
_WAS_KILLED = "; if it was killed, in half a minute"
_OTHER_PROGRAM = "expected a store, got the database of another program"


class Database:
    """The store at `address`, with amounts in `currency`.

    What is wrong with it is raised as FileError, or as the driver does (`server_errors`). `head` is
    the head as it was when it was opened, or when this run changed it.
    """

    def __init__(self, address: Address, currency: str) -> None:
        self.address = address
        self.head: dict[str, Any] = {}
        self._currency = currency
        self._token = os.urandom(6).hex()
        self._client: Any = None
        self._renewal: _Renewal | None = None
        self._owner = self._token  # of the lease
        self._is_writer = False
        self.has_staged = False  # since the last commit
        self._is_sure = True  # of what of this run is there

    # What is where

    @property
    def is_new(self) -> bool:
        """Whether no run is in it yet."""
        return not self.head["run"]

    @property
    def run(self) -> int:
        """The number that the run has which is written, or would be."""
        return int(self.head["run"]) + 1

    def collections(self, kind: str) -> tuple[Any, Any | None]:
        """Return what is known, of `KINDS` one, and what comes before it because it is staged."""
        base = self.head["base"]
        staged = self._staging if self.has_staged else self.head["staged"]
        is_one = staged not in (None, base)
        return self._database[kind + base], self._database[kind + staged] if is_one else None

    def find(self, kind: str, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return those of the documents that are there, by id."""
        known, staged = self.collections(kind)
        found: dict[str, dict[str, Any]] = {}
        rest = iter(ids)
        while some := list(islice(rest, _IDS_AT_ONCE)):
            for collection in (staged, known):
                left = [one for one in some if one not in found]
                if left and collection is not None:
                    documents = collection.find({"_id": {"$in": left}})
                    found |= {one["_id"]: one for one in documents}
        return found

    @property
    def _staging(self) -> str:
        return str(self.head["base"]) if self.is_new else f"_{self._token}"

    @property
    def _database(self) -> Any:
        from pymongo import ReadPreference, WriteConcern  # noqa: PLC0415 - only this store needs it

        if self._client is None:
            raise FileError(self.address, "this store is not open")
        return self._client.get_database(
            self.address.database,
            write_concern=WriteConcern(w="majority", j=True),
            read_preference=ReadPreference.PRIMARY,  # others may not know of the last run yet
        )

    @property
    def _heads(self) -> Any:
        return self._database["head"]

    # Who may use it

    def open_to_read(self) -> None:
        """Have it as the last run left it."""
        self._connect()
        head = self._find_head()
        if head is None or not head["run"]:
            raise FileError(self.address, "there is nothing in this store")
        self.head = head

    def open_to_write(self) -> None:
        """Have it for this process alone to write; make it if it is not there."""
        self._connect()
        begin = time.monotonic()
        while (head := self._leased()) is None:
            if time.monotonic() - begin >= _PATIENCE:
                raise FileError(self.address, _IN_USE + _WAS_KILLED)
            time.sleep(_BETWEEN_TRIES)
        self.head = head
        self._is_writer = True
        self._renewal = _Renewal(self._renew)
        self._sweep()
        self.merge()

    def _connect(self) -> None:
        from pymongo import MongoClient  # noqa: PLC0415 - only this store needs it

        milliseconds = int(_PATIENCE * 1000)
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # of an option that is not known
            try:
                self._client = MongoClient(
                    self.address.full,
                    serverSelectionTimeoutMS=milliseconds,
                    connectTimeoutMS=milliseconds,
                )
            except (UserWarning, ValueError, OSError) as error:  # a port, a file of certificates
                raise FileError(self.address, unusable(self.address, error)) from None

    def _find_head(self) -> dict[str, Any] | None:
        """Return the head, None where there is nothing. Raises FileError for what is no store."""
        head: dict[str, Any] | None = self._heads.find_one(_HEAD)
        if head is None:
            names = self._database.list_collection_names()
            others = [name for name in names if name != "head" and not name.startswith("system.")]
            has_head = self._heads.find_one() is not None  # a first run that failed leaves it empty
            if others or has_head:
                raise FileError(self.address, _OTHER_PROGRAM)
        elif head.get("program") != PROGRAM:
            raise FileError(self.address, _OTHER_PROGRAM)
        else:
            layout = head.get("layout")
            if isinstance(layout, int):  # the heads of others may have other members
                check_layout(self.address, layout, LAYOUT)
            if not is_head(head):
                raise FileError(self.address, DAMAGED)
            if head["run"]:
                check_currency(self.address, head["currency"], self._currency)
        return head

    def _leased(self) -> dict[str, Any] | None:
        """Return the head, in which this run has a lease now; None while another one has it."""
        from pymongo import ReturnDocument  # noqa: PLC0415 - only this store needs it
        from pymongo.errors import DuplicateKeyError  # noqa: PLC0415 - as above

        lease = {"owner": self._owner, "until": _leased_until()}
        if self._find_head() is None:
            made = {"program": PROGRAM, "layout": LAYOUT, "currency": self._currency}
            made |= {"run": 0, "base": "", "staged": None, "totals": [0] * len(Totals._fields)}
            try:
                head: dict[str, Any] = self._heads.find_one_and_update(
                    _HEAD | {"program": {"$exists": False}},
                    [{"$set": made | {"lease": lease}}],
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
            except DuplicateKeyError:  # another run made it just then
                return None
            return head
        is_free = {"$lt": [{"$ifNull": ["$lease.until", 0]}, _NOW]}
        if_new = {"base": f"_{self._token}", "currency": self._currency}
        news = {
            key: {"$cond": [{"$eq": ["$run", 0]}, one, f"${key}"]} for key, one in if_new.items()
        }
        taken: dict[str, Any] | None = self._heads.find_one_and_update(
            _HEAD | {"$expr": is_free},
            [{"$set": news | {"lease": lease}}],
            return_document=ReturnDocument.AFTER,
        )
        return taken

    def _renew(self) -> None:
        until = {"$set": {"lease.until": _leased_until()}}
        self._heads.update_one(self._own_head, [until])

    @property
    def _own_head(self) -> dict[str, Any]:
        """What finds the head while this run has the lease."""
        return _HEAD | {"lease.owner": self._owner}

    def check_unchanged(self) -> None:
        """Raise FileError when what was read up to now may be of different states of the store."""
        head = self._heads.find_one(_HEAD) or {}
        names = ("run", "base", "staged")
        is_same = [head.get(name) for name in names] == [self.head[name] for name in names]
        if not is_same or (self._is_writer and not self._owns(head)):
            raise FileError(self.address, CHANGED)

    def _owns(self, head: dict[str, Any]) -> bool:
        return bool((head.get("lease") or {}).get("owner") == self._owner)

    def check_run(self, run: int) -> None:
        """Raise FileError unless a run that writes now has this number."""
        if self.run != run:
            raise FileError(self.address, CHANGED)

    # What a run writes

    def begin(self) -> None:
        """Have what was committed in its place before more is staged. Raises FileError."""
        if not self._is_writer:
            raise FileError(self.address, "this store was opened to be read alone")
        self.merge()

    def stage(self, kind: str, documents: Sequence[bytes], replaced: Iterable[str] = ()) -> None:
        """Write documents, in the place of those that this run wrote with these ids."""
        from bson.raw_bson import RawBSONDocument  # noqa: PLC0415 - only this store needs it

        if not documents:
            return
        was_sure, self._is_sure = self._is_sure, False
        self.has_staged = True
        collection = self._database[kind + self._staging]
        rest = iter(replaced)
        while some := list(islice(rest, _IDS_AT_ONCE)):
            collection.delete_many({"_id": {"$in": some}})
        collection.insert_many(map(RawBSONDocument, documents), ordered=False)
        self._is_sure = was_sure

    def commit(self, totals: Sequence[int]) -> None:
        """Have all that was staged be known; by one update of the head, whole or not at all."""
        from pymongo.errors import ConnectionFailure  # noqa: PLC0415 - only this store needs it

        if not self._is_sure:
            raise FileError(self.address, LOST)
        run, staged = self.run, None if self.is_new or not self.has_staged else self._staging
        news = {"run": run, "staged": staged, "totals": [*totals]}
        is_ours = self._own_head | {"run": run - 1}
        try:
            is_kept = self._heads.update_one(is_ours, {"$set": news}).matched_count == 1
        except ConnectionFailure:  # before that, or after
            is_kept = self._has_committed(run)
            if not is_kept:
                raise
        if not is_kept:
            raise FileError(self.address, CHANGED)
        self.head |= news
        self.has_staged = False

    def _has_committed(self, run: int) -> bool:
        """Whether this run is in the store; not, where that cannot be known now."""
        from pymongo.errors import ConnectionFailure  # noqa: PLC0415 - only this store needs it

        with contextlib.suppress(ConnectionFailure):
            head = self._heads.find_one(_HEAD) or {}
            return self._owns(head) and head["run"] == run
        return False

    def merge(self) -> None:
        """Have what the last run staged in its place; a run that was killed may have begun it."""
        staged = self.head["staged"]
        if staged is None:
            return
        for kind in KINDS:
            place = {"into": kind + self.head["base"], "whenMatched": _INTO_PLACE}
            self._database[kind + staged].aggregate([{"$merge": place}])
        is_done = _HEAD | {"run": self.head["run"], "staged": staged}
        self._heads.update_one(is_done, {"$set": {"staged": None}})
        self.head["staged"] = None
        self._drop(staged)

    def _drop(self, suffix: str) -> None:
        for kind in KINDS:
            self._database.drop_collection(kind + suffix)

    def _sweep(self) -> None:
        """Take out what killed runs left."""
        suffixes = self.head["base"], self.head["staged"]
        used = {kind + suffix for kind in KINDS for suffix in suffixes if suffix is not None}
        for name in self._database.list_collection_names():
            if _OURS.fullmatch(name) and name not in used:
                self._database.drop_collection(name)

    def close(self) -> None:
        """Let go of it; what was not committed is as if it had never been."""
        client = self._client
        if client is None:
            return
        try:
            if self._is_writer:
                with server_errors(self.address):
                    self._leave()
        except FileError:  # the lease ends by itself, and the next run does the rest
            pass
        finally:
            if self._renewal:
                self._renewal.stop()
            self._is_writer = self.has_staged = False
            self._is_sure, self._owner = True, self._token
            self._client = self._renewal = None
            client.close()

    def _leave(self) -> None:
        """Take away what was not committed, do what was left to do, and let go of the lease.

        A commit of which there was no answer may be on its way yet: the lease gets another owner
        first, and nothing is taken away when it was in time.
        """
        owner = self._owner + "-"
        is_ours = self._own_head | {"run": self.head["run"]}
        if not self._heads.update_one(is_ours, {"$set": {"lease.owner": owner}}).matched_count:
            return
        self._owner = owner
        if self.has_staged:
            self._drop(self._staging)
        if self.is_new and not self.head["base"] and self._is_sure:  # nothing will yet be written
            self._heads.delete_one(self._own_head)
            return
        self.merge()
        self._heads.update_one(self._own_head, {"$set": {"lease": None}})


class _Renewal:
    """A thread that has a lease renewed while the run has other things to do."""

    def __init__(self, renew: Callable[[], None]) -> None:
        self._renew = renew
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_over.wait(_LEASE / 3):
            with contextlib.suppress(Exception):  # then the commit says so
                self._renew()

    def stop(self) -> None:
        """Have it end, at once where it is not waiting for the server just then."""
        self._is_over.set()
        self._thread.join(timeout=1)
