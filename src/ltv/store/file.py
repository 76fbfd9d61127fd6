"""The file of a store: whether it is one, who may use it, and what is wrong with it.

| what is there | |
|---|---|
| nothing, or an empty file | is made a store, by a run that writes |
| a file with the application id of stores, a layout that is known, the same currency | is used |
| anything else | is told of in one line, and left as it is |

A new store is made with a journal beside it, which goes when all is kept; then it has a write-ahead
log (WAL), so that it can be read while another run writes.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from ltv.errors import FileError, reason_of
from ltv.store.pieces import TABLES

__all__ = ["StoreFile", "connected", "telling"]

APPLICATION_ID = 0x4C545653  # "LTVS"

#: What leads from one layout of the tables to the next: from none to the present one.
LAYOUTS = (f"CREATE TABLE store (currency TEXT NOT NULL); {TABLES}",)

#: How long to wait for another run.
_PATIENCE = 5  # seconds

#: How much of the file a run that writes holds in memory.
_CACHE_KIB = 64 * 1024

_SIGNATURE = b"SQLite format 3\0"
_HEADER_BYTES = 100
_BYTES_OF_APPLICATION_ID = slice(68, 72)
_PAGE = slice(16, 18)  # its bytes, in a file of this program
_PAGES = slice(28, 32)

_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_LET = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_NOT_DONE = (*_NOT_LET, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


@contextlib.contextmanager
def telling(path: str) -> Iterator[None]:
    """Have what is wrong with the store at `path` be raised as FileError."""
    try:
        yield
    except sqlite3.Error as error:
        raise FileError(path, _cause_of(error)) from None
    except OSError as error:
        raise FileError(path, reason_of(error)) from None


def _cause_of(error: sqlite3.Error) -> str:
    code = _primary_code(error)
    if code in _IN_USE:
        return "another run is using this store, try again when it has ended"
    if code in _NOT_DONE:
        return f"this store cannot be used: {error}"
    return f"this store is damaged: {error}"


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def connected(path: str, mode: str) -> sqlite3.Connection:
    """A connection to an SQLite file; transactions are begun and ended by name."""
    uri = f"{Path(path).as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)


class StoreFile:
    """The file at `path`, with amounts in `currency`, as an SQLite connection.

    What is wrong with it is raised as FileError, OSError or sqlite3.Error. `tell` is told before an
    older layout is brought up to date.
    """

    def __init__(self, path: str, currency: str, tell: Callable[[str], object]) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        self.is_new = False  # until something is kept
        self._currency = currency
        self._tell = tell
        self._is_removable = False
        self._connection: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection:
        """What it is read and written by, while it is open."""
        if self._connection is None:
            raise FileError(self.path, "this store is not open")
        return self._connection

    def open_to_read(self) -> None:
        """Have it as it is now, whatever is written to it meanwhile."""
        if self._is_empty():
            raise FileError(self.path, "there is nothing in this store")
        self._connect_to_read()
        if self._is_blank():  # a killed run's journal said that nothing was kept
            raise FileError(self.path, "there is nothing in this store")
        self.connection.execute("BEGIN")
        if self._checked_layout() < len(LAYOUTS):
            self.close()
            self.open_to_write()
            self.commit()

    def _connect_to_read(self) -> None:
        """In a way that can be had: with whatever a killed run left being cleared up, without
        changing the file, or with nobody being able to change it.
        """
        directory = os.path.dirname(self.real)
        if os.access(self.real, os.W_OK) and os.access(directory, os.W_OK):
            modes = ["rw"]
        else:
            modes = ["ro"] if self._has_log() else ["ro", "ro&immutable=1"]
        for mode in modes:
            self._connection = connected(self.real, mode)
            try:
                self.connection.execute("PRAGMA query_only = ON")
                self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                return
            except sqlite3.Error as error:
                self.close()
                if mode == modes[-1] or _primary_code(error) not in _NOT_LET:
                    raise

    def _has_log(self) -> bool:
        return os.path.exists(self.real + "-wal") and os.path.getsize(self.real + "-wal") > 0

    def open_to_write(self) -> None:
        """Have it for this process alone to write, in a transaction; make it if it is not there."""
        is_made_here = self._made()
        while not self._is_locked():
            is_made_here = self._made()  # anew: another run made it, failed, and removed it
        self.is_new = self._layout() == 0 and self._holds_nothing()
        self._is_removable = self.is_new and is_made_here
        if self.is_new:
            self.connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._bring_up_to_date()

    def _is_locked(self) -> bool:
        """Whether what is open and locked now is the file that is there."""
        identity = _identity(self.real)
        if identity is None:
            return False
        try:
            self._lock()
        except (sqlite3.Error, OSError, FileError):
            if identity == _identity(self.real):
                raise
        if identity == _identity(self.real):
            return True
        self.close()
        return False

    def _lock(self) -> None:
        """Open what is there, and have it in a transaction that writes."""
        is_store = not self._is_empty()
        if not os.access(self.real, os.W_OK):
            raise FileError(self.path, "cannot be written: Permission denied")
        self._connection = connected(self.real, "rw")
        self.connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if is_store and not self._is_blank():  # to set a log is to write the first page
            self.connection.execute("PRAGMA journal_mode = WAL")
        self.begin()

    def _made(self) -> bool:
        """Whether it was made now, empty."""
        try:
            os.close(os.open(self.real, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        except FileExistsError:
            return False
        except OSError as error:
            raise FileError(self.path, f"cannot be written: {reason_of(error)}") from None
        return True

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self.connection.execute("BEGIN IMMEDIATE")

    def _bring_up_to_date(self) -> None:
        layout = 0 if self.is_new else self._checked_layout()
        if 0 < layout < len(LAYOUTS):
            self._tell(f"Bringing {self.path} from layout {layout} to layout {len(LAYOUTS)}.")
        for script in LAYOUTS[layout:]:
            for statement in filter(str.strip, script.split(";")):
                self.connection.execute(statement)
        if self.is_new:
            self.connection.execute("INSERT INTO store VALUES (?)", (self._currency,))
        if layout < len(LAYOUTS):
            self.connection.execute(f"PRAGMA user_version = {len(LAYOUTS)}")

    def commit(self) -> None:
        """Keep what was written since it was opened, or since the last time."""
        self.connection.execute("COMMIT")
        self._is_removable = False
        if self.is_new:
            self.is_new = False
            with contextlib.suppress(sqlite3.Error):  # then the next run that writes has it
                self.connection.execute("PRAGMA journal_mode = WAL")

    def close(self) -> None:
        """Have nothing of it any more; what was not kept is as if it had never been."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._is_removable:  # before another run that waits can have it
            self._is_removable = False
            with contextlib.suppress(OSError):
                os.remove(self.real)
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        connection.close()

    def _is_empty(self) -> bool:
        """Whether nothing is in it yet. Raises FileError unless it is that or a store."""
        if not stat.S_ISREG(os.stat(self.real).st_mode):
            raise FileError(self.path, "expected a file that --store made, got none")
        with open(self.real, "rb") as file:
            header = file.read(_HEADER_BYTES)
        if not header or (not any(header) and os.path.exists(self.real + "-journal")):
            return True  # also what a run left that was killed while it made it
        if not header.startswith(_SIGNATURE):
            raise FileError(self.path, "expected a file that --store made, got something else")
        if header[_BYTES_OF_APPLICATION_ID] != APPLICATION_ID.to_bytes(4, "big"):
            raise FileError(self.path, "expected a store, got the database of another program")
        if not self._is_whole(header):  # what SQLite finds, too, but it would leave files beside it
            raise FileError(self.path, "this store is damaged: it is cut off")
        return False

    def _is_whole(self, header: bytes) -> bool:
        """Whether it is as long as its header says, so far as no log or journal completes it."""
        page_bytes, pages = (int.from_bytes(header[place], "big") for place in (_PAGE, _PAGES))
        is_in_use = any(os.path.exists(self.real + ending) for ending in ("-wal", "-journal"))
        return is_in_use or os.path.getsize(self.real) >= page_bytes * pages

    def _is_blank(self) -> bool:
        """Whether it has no page; to look has SQLite undo what a killed run left by halves."""
        (pages,) = self.connection.execute("PRAGMA page_count").fetchone()
        return int(pages) == 0

    def _layout(self) -> int:
        (layout,) = self.connection.execute("PRAGMA user_version").fetchone()
        return int(layout)

    def _holds_nothing(self) -> bool:
        (count,) = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return int(count) == 0

    def _checked_layout(self) -> int:
        """Which layout it has. Raises FileError for one that is not known, or another currency."""
        layout = self._layout()
        if layout > len(LAYOUTS):
            made = f"this store was made by a newer version of this program (layout {layout}, "
            raise FileError(self.path, f"{made}known are those up to {len(LAYOUTS)})")
        if layout < 1:
            raise sqlite3.DatabaseError("it has no layout")
        (currency,) = self.connection.execute("SELECT currency FROM store").fetchone()
        if currency != self._currency:
            amounts = f"the amounts in this store are in {currency}, not in {self._currency}"
            raise FileError(self.path, amounts)
        return layout


def _identity(path: str) -> tuple[int, int] | None:
    """What no other file has while this one is open."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
