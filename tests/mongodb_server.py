"""A server that speaks as MongoDB does, as a process of its own, and what tests ask of it."""

import contextlib
import os
import re
import select
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import mongodb_environment
from ltv.address import Address

_numbers = count(1)

#: What sets the totals in the head, and nothing else does.
_COMMIT = re.compile(rb"update\x00.*head\x00.*totals\x00", re.DOTALL)


def free_port() -> int:
    """Return a port that nobody listens to."""
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """A server with its data below `directory`."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self.options = options
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        (directory / "home").mkdir(exist_ok=True)
        self.start()

    def start(self) -> None:
        """Start it, with the data that it had; returns when it answers."""
        if self._process:
            self._process.wait()
        place = ["--port", str(self.port), "--storage-path", str(self._directory / "data")]
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(mongodb_environment.SERVER), *place, "--standalone", *self.options],
                cwd=self._directory,
                env=os.environ | {"HOME": str(self._directory / "home")},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + 60
        while not self._answers():
            assert self._process.poll() is None, (self._directory / "log").read_text()
            assert time.monotonic() < end, "the server does not start"
            time.sleep(0.1)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    @property
    def pid(self) -> int:
        """The id of its process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Have it end at once."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Have it end, with all that it knows on the disk."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait()

    def new_place(self) -> str:
        """Return the address of a database that is not there yet."""
        return f"mongodb://127.0.0.1:{self.port}/shop{next(_numbers)}"


@contextlib.contextmanager
def database_at(place: str) -> Iterator[Any]:
    """Give the database itself."""
    import pymongo  # noqa: PLC0415 - only there when a server is

    address = Address(place)
    with pymongo.MongoClient(address.full) as client:
        yield client[address.database]


def state_at(place: str) -> dict[str, list[Any]]:
    """Return all that is in a database, less who writes there."""
    with database_at(place) as database:
        names = sorted(database.list_collection_names())
        found = {name: list(database[name].find().sort("_id", 1)) for name in names}
    for head in found.get("head", []):
        head.pop("lease", None)
    return {name: documents for name, documents in found.items() if documents}


def let_go(place: str) -> None:
    """Have no run hold the store, as if so much time had gone by since one was killed."""
    with database_at(place) as database:
        database["head"].update_one({}, {"$set": {"lease": None}})


class Proxy:
    """What stands before a server, and loses the answer to the call that commits a run.

    `is_over`: from then on nothing gets through any more.
    """

    def __init__(self, server: Server, *, is_over: bool) -> None:
        self.has_lost = False
        self._server = server
        self._is_over = is_over
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # until it is closed
            while True:
                client, _ = self._listener.accept()
                if self.has_lost and self._is_over:
                    client.close()
                    continue
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._server.port)) as server:
            both = {client: server, server: client}
            is_lost = False  # the answer to what came here last
            while True:
                for one in select.select(list(both), [], [])[0]:
                    some = one.recv(2**16)
                    if not some or is_lost:
                        return
                    if one is client and not self.has_lost and _COMMIT.search(some):
                        is_lost = self.has_lost = True
                    both[one].sendall(some)

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()
