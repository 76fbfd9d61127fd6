"""The file of a store: whether it is one, who may use it, and what is wrong with it.

| what is there | |
|---|---|
| nothing, or an empty file | is made a store, by a run that writes |
| a file with the application id of stores, the present layout, the same currency | is used |
| anything else | is told of in one line, and left as it is |

A new store is made with a journal beside it, which goes when all is kept; then it has a write-ahead
log (WAL), so that it can be read while another run writes. A killed run leaves it behind; SQLite
takes any log that lies there for that of the file.
"""

import contextlib
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ltv.errors import FileError, reason_of
from ltv.reading.state import device_and_inode
from ltv.store.account import ACCOUNT_TABLE, Account
from ltv.store.kept import check_currency, check_layout
from ltv.store.pieces import TABLES, damage

APPLICATION_ID = 0x4C545653  # "LTVS"

#: Which tables there are, and how they came to be: a store of another layout is not read.
LAYOUT = 2
_STATEMENTS = [text.strip() for text in (ACCOUNT_TABLE + TABLES).split(";") if text.strip()]

_TABLE_COUNT = "SELECT count(*) FROM sqlite_master"

_TOKEN_BYTES = 16

#: How long to wait for another run.
_PATIENCE = 5  # seconds

#: How much of the file a run that writes holds in memory.
_CACHE_KIB = 64 * 1024

_SIGNATURE = b"SQLite format 3\0"
_HEADER_BYTES = 100
_BYTES_OF_APPLICATION_ID = slice(68, 72)
_PAGE = slice(16, 18)  # its bytes, in a file of this program
_PAGES = slice(28, 32)

_REMEDY = "put a copy back, or make it anew from the logs"

_IN_USE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_NOT_LET = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
_NOT_DONE = (*_NOT_LET, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


@contextlib.contextmanager
def file_errors(path: str) -> Iterator[None]:
    """Have what is wrong with the store at `path` be raised as FileError."""
    try:
        yield
    except sqlite3.Error as error:
        raise FileError(path, _cause_of(error)) from None
    except UnicodeDecodeError:  # in place of an sqlite3.Error that names what was changed
        raise FileError(path, _cause_of(damage("a name in it"))) from None
    except OSError as error:
        raise FileError(path, reason_of(error)) from None


def _cause_of(error: sqlite3.Error) -> str:
    code = _primary_code(error)
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return "this store cannot be used: there is no room for the files beside it"
    if code in _IN_USE:
        return "another run is using this store, try again when it has ended"
    if code in _NOT_DONE:
        return f"this store cannot be used: {error}"
    what = "a text in it" if "Could not decode" in str(error) else error  # which would be shown
    return f"this store is damaged: {what}; {_REMEDY}"


def _primary_code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def connected(path: str, mode: str) -> sqlite3.Connection:
    """A connection to an SQLite file; transactions are begun and ended by name."""
    uri = f"{Path(path).as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, isolation_level=None)
    connection.execute("PRAGMA temp_store = MEMORY")  # there may be no room on a disk
    return connection


class StoreFile:
    """The file at `path`, with amounts in `currency`, as an SQLite connection.

    What is wrong with it is raised as FileError, OSError or sqlite3.Error. `account` is what is in
    it, also what is not kept yet: whoever writes keeps it true.
    """

    def __init__(self, path: str, currency: str) -> None:
        self.path = path
        self.real = os.path.realpath(path)
        self.is_new = False  # until something is kept
        self.account = self._kept = Account(currency, "")
        self._currency = currency
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
        self.check()

    def _connect_to_read(self) -> None:
        """In the first way that can be had."""
        self._check_log()
        ways = self._ways_to_read()
        for mode, locking in ways:
            try:
                self._connection = connected(self.real, mode)
                self.connection.execute("PRAGMA query_only = ON")
                self.connection.execute(f"PRAGMA locking_mode = {locking}")
                self._value(_TABLE_COUNT)  # the first that needs to read
                return
            except sqlite3.Error as error:
                self.close()
                if _primary_code(error) in _NOT_LET and self._has_log():
                    log = f"the log beside it ({self.path}-wal) cannot be read"
                    remedy = "where nothing can be written; copy both elsewhere"
                    raise FileError(self.path, f"{log} {remedy}") from None
                if _primary_code(error) not in _NOT_DONE or (mode, locking) == ways[-1]:
                    raise

    def _ways_to_read(self) -> list[tuple[str, str]]:
        """With whatever a killed run left being cleared up, which needs some room beside the file;
        with nobody else having it open, which needs none; with nobody being able to change it.
        """
        directory = os.path.dirname(self.real)
        may_write = os.access(self.real, os.W_OK) and os.access(directory, os.W_OK)
        shared = ("rw" if may_write else "ro", "NORMAL")
        if self._has_log():
            return [shared]
        alone = [("rw", "EXCLUSIVE")] if may_write else []
        return [shared, *alone, ("ro&immutable=1", "NORMAL")]

    def _check_log(self) -> None:
        """Raises FileError or sqlite3.Error when there is a log that is not of this file.

        SQLite would write it into the file. The file is looked at without the log first: no log of
        a run that writes meanwhile is older than that. Pages that it writes just then say nothing.
        """
        if not self._has_log():
            return
        alone = self._account_alone()
        try:
            both = self._account_by("ro")
        except sqlite3.Error as error:
            if _primary_code(error) in (*_IN_USE, *_NOT_DONE):
                return  # whoever opens it for good will say so, too
            if self._account_alone(has_rows=True) is None:
                raise
        else:
            if alone is None or (both.token == alone.token and both.run >= alone.run):
                return
        log = "the log beside this store is of another store, or older than it"
        raise FileError(self.path, f"{log}: remove {self.path}-wal and {self.path}-shm")

    def _account_alone(self, *, has_rows: bool = False) -> Account | None:
        """What the file says without its log, if that can be made out."""
        try:
            return self._account_by("ro&immutable=1", has_rows=has_rows)
        except (sqlite3.Error, UnicodeDecodeError):
            return None

    def _account_by(self, mode: str, *, has_rows: bool = True) -> Account:
        """The account, held against the rows unless told otherwise."""
        with contextlib.closing(connected(self.real, mode)) as connection:
            connection.execute("BEGIN")
            account = Account.read(connection)
            if has_rows:
                account.check(connection)
            return account

    def _has_log(self) -> bool:
        try:
            return os.path.getsize(self.real + "-wal") > 0
        except (
            FileNotFoundError
        ):  # also between two looks: the last run that has it open removes it
            return False

    def open_to_write(self) -> None:
        """Have it for this process alone to write, in a transaction; make it if it is not there."""
        is_made_here = self._made()
        while not self._is_locked():
            is_made_here = self._made()  # anew: another run made it, failed, and removed it
        self.is_new = not self._value("PRAGMA user_version") and not self._value(_TABLE_COUNT)
        self._is_removable = self.is_new and is_made_here
        if self.is_new:
            self._make_tables()
        else:
            self.check()

    def _is_locked(self) -> bool:
        """Whether what is open and locked now is the file that is there."""
        identity = self._identity()
        if identity is None:
            return False
        try:
            self._lock()
        except (sqlite3.Error, OSError, FileError):
            if identity == self._identity():
                raise
        if identity == self._identity():
            return True
        self.close()
        return False

    def _identity(self) -> tuple[int, int] | None:
        try:
            return device_and_inode(os.stat(self.real))
        except FileNotFoundError:
            return None

    def _lock(self) -> None:
        """Open what is there, and have it in a transaction that writes."""
        is_store = not self._is_empty()
        if not os.access(self.real, os.W_OK):
            self._made(os.O_WRONLY)  # which says why, as on a file system that is read-only
        if is_store:
            self._check_log()
        self._connection = connected(self.real, "rw")
        self.connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if is_store and not self._is_blank() and self._value("PRAGMA journal_mode") != "wal":
            self.check()  # since to set a log is to write the first page
            self.connection.execute("PRAGMA journal_mode = WAL")
        self.begin()

    def _made(self, flags: int = os.O_WRONLY | os.O_CREAT | os.O_EXCL) -> bool:
        """Whether it was made now, empty. Raises FileError when it cannot be opened so."""
        try:
            os.close(os.open(self.real, flags, 0o666))
        except FileExistsError:
            return False
        except OSError as error:
            raise FileError(self.path, f"cannot be written: {reason_of(error)}") from None
        return True

    def begin(self) -> None:
        """Begin a transaction that writes."""
        self.connection.execute("BEGIN IMMEDIATE")

    def _make_tables(self) -> None:
        for statement in _STATEMENTS:
            self.connection.execute(statement)
        self.connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self.connection.execute(f"PRAGMA user_version = {LAYOUT}")
        self.account = Account(self._currency, os.urandom(_TOKEN_BYTES).hex())

    def known_now(self) -> Account:
        """The account, also of what other runs have kept since this one did."""
        if not self.connection.in_transaction:
            self.account = self._kept = Account.read(self.connection)
        return self.account

    def commit(self) -> None:
        """Keep what was written since it was opened, or since the last time."""
        if self.is_new or self.account != self._kept:
            self.account = self.account.with_ids(self.connection)._replace(run=self.account.run + 1)
            self.account.write(self.connection)
        self.connection.execute("COMMIT")
        self._kept = self.account
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
            raise FileError(
                self.path, "expected a file that --store made, got a directory or device"
            )
        with open(self.real, "rb") as file:
            header = file.read(_HEADER_BYTES)
        if not header or (not any(header) and os.path.exists(self.real + "-journal")):
            return True  # also what a run left that was killed while it made it
        if not header.startswith(_SIGNATURE):
            raise FileError(self.path, "expected a file that --store made, got something else")
        if header[_BYTES_OF_APPLICATION_ID] != APPLICATION_ID.to_bytes(4, "big"):
            raise FileError(self.path, "expected a store, got the database of another program")
        if not self._is_whole(header):  # what SQLite finds, too, but it would leave files beside it
            raise FileError(self.path, f"this store is damaged: it is cut off; {_REMEDY}")
        return False

    def _is_whole(self, header: bytes) -> bool:
        """Whether it is as long as its header says, so far as no log or journal completes it."""
        page_bytes, pages = (int.from_bytes(header[place], "big") for place in (_PAGE, _PAGES))
        is_in_use = any(os.path.exists(self.real + ending) for ending in ("-wal", "-journal"))
        return is_in_use or os.path.getsize(self.real) >= page_bytes * pages

    def _is_blank(self) -> bool:
        """Whether it has no page; to look has SQLite undo what a killed run left by halves."""
        return bool(self._value("PRAGMA page_count") == 0)

    def _value(self, query: str) -> Any:
        return self.connection.execute(query).fetchone()[0]

    def check(self) -> None:
        """Read the account. Raises FileError or sqlite3.Error unless all is as it should be."""
        layout = self._value("PRAGMA user_version")
        if layout < 1:
            raise sqlite3.DatabaseError("it has no layout")
        check_layout(self.path, layout, LAYOUT)
        tables = {sql for (sql,) in self.connection.execute("SELECT sql FROM sqlite_master")}
        if not tables.issuperset(_STATEMENTS):
            raise damage("its list of tables")
        self.account = self._kept = Account.read(self.connection)
        check_currency(self.path, self.account.currency, self._currency)
        self.account.check(self.connection)
